import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from frame_generation_pipeline.media.segments import SegmentWriter, read_segment, segment_frames


def write(path: Path, count: int = 3) -> None:
    writer = SegmentWriter(path)
    for index in range(count):
        packet = av.Packet(bytes([index]) * (index + 1))
        packet.pts, packet.dts, packet.is_keyframe = index, index - 2, index == 0
        writer.write(packet)
    assert not path.exists()
    writer.complete(count)


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "0.segment"
    write(path)
    assert segment_frames(path) == 3
    packets = list(read_segment(path, 100, Fraction(30)))
    assert [bytes(packet) for packet in packets] == [b"\0", b"\1\1", b"\2\2\2"]
    assert [(packet.pts, packet.dts, packet.is_keyframe) for packet in packets] == [
        (100, 98, True),
        (101, 99, False),
        (102, 100, False),
    ]
    assert packets[0].time_base == Fraction(1, 30)
    assert list(tmp_path.iterdir()) == [path]


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "0.segment"
    assert segment_frames(path) == 0
    write(path)
    data = path.read_bytes()
    for damaged in (b"", data[:20], data[:-1], data + b"x", b"x" + data[1:], data[:-40] + b"x" + data[-39:]):
        path.write_bytes(damaged)
        assert segment_frames(path) == 0


def test_what_is_not_complete_goes(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "0.segment")
    writer.write(_packet())
    writer.discard()
    assert not list(tmp_path.iterdir())


def _packet() -> "av.Packet[Any]":
    packet = av.Packet(b"data")
    packet.pts = packet.dts = 0
    return packet


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SegmentWriter(tmp_path / "nowhere" / "0.segment")


def test_links_that_somebody_put_there_are_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("dear")
    (tmp_path / "00000.new").symlink_to(mine)
    (tmp_path / "00001.segment").symlink_to(mine)
    os.mkfifo(tmp_path / "00002.segment")
    writer = SegmentWriter(tmp_path / "00000.segment")
    writer.complete(0)
    assert mine.read_text() == "dear"
    assert not (tmp_path / "00000.segment").is_symlink()
    assert [segment_frames(tmp_path / f"0000{index}.segment") for index in (1, 2)] == [0, 0]
