"""Which audio is heard, and when."""

import logging
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.audio_encoder import read_audio, stream_layout
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio

RATE = 16_000


def tone(seconds: float, level: float = 0.4) -> Samples:
    return (level * np.sin(np.arange(round(seconds * RATE)) / 5)).astype(np.float32)


def write(
    path: Path, tracks: Sequence[Samples], *, default: int = 0, left_out: range = range(0), codec: str = "aac"
) -> Path:
    """Audio tracks, one of them the default; left_out: packets of them that are missing."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=RATE, layout="mono") for _ in tracks]
        for index, stream in enumerate(streams):
            stream.disposition = av.stream.Disposition.default if index == default else av.stream.Disposition.dub
        for stream, samples in zip(streams, tracks, strict=True):
            packets: list[av.Packet[Any]] = []
            assert isinstance(stream, av.AudioStream)
            for begin in range(0, len(samples), 1024):
                part = samples[np.newaxis, begin : begin + 1024]
                block = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                block.sample_rate, block.time_base, block.pts = RATE, Fraction(1, RATE), begin
                packets += stream.encode(block)
            packets += stream.encode(None)
            container.mux([packet for index, packet in enumerate(packets) if index not in left_out])
    return path


def level(path: Path, track: int | None = None) -> float:
    return float(np.abs(np.concatenate(list(decode_audio(path, track=track)))).max())


@pytest.mark.parametrize("default", [0, 1])
def test_the_default_track_is_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture, default: int) -> None:
    path = write(tmp_path / "two.mkv", [tone(0.5, 0.2), tone(0.5, 0.8)], default=default)
    with caplog.at_level(logging.WARNING):
        assert level(path) == pytest.approx((0.2, 0.8)[default], rel=0.2)
    assert caplog.text.count(f"two.mkv: of 2 audio tracks number {default + 1} is heard, the default") == 1


def test_a_silent_default_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "two.mkv", [np.zeros(RATE, np.float32), tone(0.5, 0.8)])
    with caplog.at_level(logging.WARNING):
        assert level(path) == pytest.approx(0.8, rel=0.2)
        assert probe_audio(path).duration < 0.7
        assert stream_layout(path) == (RATE, "mono")
    assert caplog.text.count("two.mkv: of 2 audio tracks number 2 is heard, for track 1 is silent") == 1


def test_a_track_of_choice_is_heard_everywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "two.mkv", [tone(0.5, 0.2), np.zeros(RATE, np.float32), tone(1, 0.8)])
    with caplog.at_level(logging.WARNING):
        assert [level(path, track) for track in (1, 2, 3)] == pytest.approx([0.2, 0, 0.8], rel=0.2)
        assert [probe_audio(path, track).duration for track in (1, 2, 3)] == pytest.approx([0.5, 1, 1], abs=0.1)
        decoded = np.concatenate(list(read_audio(path, RATE, "mono", track=3)))
    assert np.abs(decoded).max() == pytest.approx(0.8, rel=0.2)
    assert not caplog.text  # it was no choice of ours
    for track in (0, 4):
        with pytest.raises(OptionError, match=rf"two\.mkv: has 3 audio track\(s\); number {track} is none of them"):
            level(path, track)


def test_all_silent_is_the_default(tmp_path: Path) -> None:
    path = write(tmp_path / "two.mkv", [np.zeros(RATE, np.float32), np.zeros(RATE // 2, np.float32)], default=1)
    assert probe_audio(path).duration < 0.7


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_missing_packets_are_silence(tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str) -> None:
    """Steady in the first second and the last one, and what is between is lost."""
    samples = tone(3)
    path = write(tmp_path / f"gap{suffix}", [samples], left_out=range(16, 32))
    with caplog.at_level(logging.WARNING):
        decoded = np.concatenate(list(decode_audio(path)))
    assert len(decoded) / RATE == pytest.approx(3, abs=0.1)
    assert np.abs(decoded[round(1.2 * RATE) : round(1.9 * RATE)]).max() < 1e-3
    assert np.abs(decoded[: round(0.9 * RATE)]).max() > 0.3
    late = decoded[round(2.1 * RATE) : round(2.9 * RATE)]
    assert np.abs(late).max() > 0.3
    assert "gaps of 1.0" in caplog.text


def test_joined_files_follow_each_other(tmp_path: Path) -> None:
    part = write(tmp_path / "part.ts", [tone(2)]).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(part + part)
    alone = probe_audio(tmp_path / "part.ts").duration
    assert probe_audio(path).duration == pytest.approx(2 * alone, abs=0.1)
