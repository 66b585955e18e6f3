"""Small videos and audio for the tests of what writes them."""

import wave
from pathlib import Path
from typing import Any

import numpy as np

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.media.video_writer import VideoWriter

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")


SIZE = (64, 48)


GREY = np.full((48, 64, 3), 90, np.uint8)


NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def write_wav(path: Path, rate: int, channels: int, seconds: float) -> Path:
    """A tone of another pitch in every channel."""
    time = np.arange(round(rate * seconds)) / rate
    tones = np.stack([np.sin(2 * np.pi * 220 * (1 + n) * time) for n in range(channels)], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((tones * 12_000).astype("<i2").tobytes())
    return path


def write(
    path: Path, frames: int | list[Frame] = 3, failure: type[BaseException] | None = None, **options: Any
) -> Path:
    if isinstance(frames, int):
        frames = [GREY + np.uint8(index % 150) for index in range(frames)]
    arguments: dict[str, Any] = {"fps": 25, "preset": "ultrafast"} | options
    with VideoWriter(path, SIZE, **arguments) as writer:
        for frame in frames:
            writer.write(frame)
        if failure:
            raise failure
    return path
