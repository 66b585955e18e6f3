"""Which stream is used, clocks that begin anew, and what is left of a damaged video."""

import gc
import logging
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import VideoError
from frame_generation_pipeline.media import video_reader
from frame_generation_pipeline.media.packets import placed_packets
from frame_generation_pipeline.media.video_reader import read_frames, read_timed_frames

COUNT = 20


def numbered(count: int = COUNT) -> list[Frame]:
    """Images whose grey levels tell their numbers."""
    return [np.full((64, 96, 3), 20 + 10 * index, np.uint8) for index in range(count)]


def numbers(path: Path) -> list[int]:
    return [round((float(image.mean()) - 20) / 10) for image in read_frames(path)]


def write(path: Path, seconds: float = 0.0, codec: str = "libx264", **options: str) -> Path:
    """A video of `numbered` with a key frame every five frames, and perhaps a tone of so many seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "5", "g": "5", "bf": "0", **options})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        audio = container.add_stream("aac", rate=16_000, layout="mono") if seconds else None
        for image in numbered():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
        if audio is not None:
            tone = 0.4 * np.sin(np.arange(round(seconds * 16_000)) / 10)
            for begin in range(0, len(tone), 1024):
                part = tone[None, begin : begin + 1024].astype(np.float32)
                block = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                block.sample_rate, block.time_base, block.pts = 16_000, Fraction(1, 16_000), begin
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))
    return path


def with_cover(path: Path) -> Path:
    """The file with a cover image in front of everything, as phones and shops write it."""
    data = path.read_bytes()
    image = cv2.imencode(".jpg", np.full((32, 32, 3), 255, np.uint8))[1].tobytes()

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", 8 + len(content)) + kind + content

    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    cover = box(b"covr", box(b"data", struct.pack(">II", 13, 0) + image))
    inserted = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", cover)))
    moov = data.index(b"moov") - 4
    header = moov + 8
    header += struct.unpack(">I", data[header : header + 4])[0]  # behind mvhd
    size = struct.unpack(">I", data[moov : moov + 4])[0] + len(inserted)
    path.write_bytes(data[:moov] + struct.pack(">I", size) + data[moov + 4 : header] + inserted + data[header:])
    return path


def test_a_cover_is_not_the_video(tmp_path: Path) -> None:
    path = with_cover(write(tmp_path / "covered.mp4"))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 2
        assert container.streams.video[0].codec_context.name == "mjpeg"
    assert numbers(path) == list(range(COUNT))


def test_a_cover_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        block.sample_rate = 16_000
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    with pytest.raises(VideoError, match="found none"):
        list(read_frames(with_cover(path)))


def damaged(path: Path, *packets: int, behind: int = 0) -> Path:
    """The first bytes of some packets say an impossible length; behind: bytes of the container before them."""
    with av.open(str(path)) as container:
        places = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for index in packets:
        begin = places[index] + behind
        data[begin : begin + 4] = bytes.fromhex("7fffffff")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("broken", "left"), [((7,), [0, 1, 2, 3, 4, 5, 6, *range(10, 20)]), ((0,), range(5, 20))])
def test_damage_ends_at_the_next_key_frame(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: tuple[int, ...], left: list[int]
) -> None:
    path = damaged(write(tmp_path / "damaged.mp4"), *broken)
    with caplog.at_level(logging.WARNING):
        assert numbers(path) == list(left)
    lost = COUNT - len(left)
    assert f"damaged.mp4: is damaged; {lost} of about {COUNT} images are left out" in caplog.text
    times = [time for time, _ in read_timed_frames(path)]
    np.testing.assert_allclose(times, np.array(left) / 25, atol=1e-6)


def test_joined_files_go_on(tmp_path: Path) -> None:
    part = write(tmp_path / "part.ts", seconds=COUNT / 25).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(part + part)
    times = np.array([time for time, _ in read_timed_frames(path)])
    assert len(times) == 2 * COUNT
    steps = np.diff(times)
    np.testing.assert_allclose(np.delete(steps, COUNT - 1), 1 / 25, atol=0.001)
    assert 1 / 25 <= steps[COUNT - 1] < 0.15  # the first part's audio is a little longer than its images


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index, image in enumerate(numbered(10)):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = index + (50 if index >= 5 else 0), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    times = [time for time, _ in read_timed_frames(path)]
    np.testing.assert_allclose(times, (np.arange(10) + 50 * (np.arange(10) >= 5)) / 25, atol=0.001)


def test_a_stream_without_times_goes_at_its_rate(tmp_path: Path) -> None:
    times = [time for time, _ in read_timed_frames(write(tmp_path / "bare.h264"))]
    assert len(times) == COUNT
    np.testing.assert_allclose(np.diff(times), 1 / 25, atol=0.001)


@pytest.mark.parametrize(("codec", "between"), [("libx264", 2), ("libx264", 0), ("mpeg4", 2)])
def test_frames_of_avi_come_when_they_are_stored(tmp_path: Path, codec: str, between: int) -> None:
    """It has no times of frames; those that FFmpeg guesses are up to two frames late, and go back at B-frames."""
    path = write(tmp_path / "old.avi", codec=codec, bf=str(between), qmin="1", qmax="2")
    assert numbers(path) == list(range(COUNT))
    times = [time for time, _ in read_timed_frames(path)]
    np.testing.assert_allclose(times, np.arange(COUNT) / 25, atol=1e-6)


def test_two_readers_of_avi_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One ends, and its memory is freed, while the other waits for its first frame."""
    path = write(tmp_path / "old.avi", bf="2", qmin="1", qmax="2")
    first = read_timed_frames(path)
    next(first)

    def packets(container: InputContainer, streams: Sequence[Stream]) -> "Iterator[Packet[Stream]]":
        for number, packet in enumerate(placed_packets(container, streams)):
            if number == 1:
                first.close()  # type: ignore[attr-defined]
                gc.collect()
            yield packet

    monkeypatch.setattr(video_reader, "placed_packets", packets)
    times = [time for time, _ in read_timed_frames(path)]
    np.testing.assert_allclose(times, np.arange(COUNT) / 25, atol=1e-6)


def test_damage_moves_no_frame_of_avi(tmp_path: Path) -> None:
    path = damaged(write(tmp_path / "old.avi", bf="2"), 7, behind=8)  # the chunk's name and size
    times = [time * 25 for time, _ in read_timed_frames(path)]
    assert 10 <= len(times) < COUNT
    np.testing.assert_allclose(times, numbers(path), atol=1e-6)
