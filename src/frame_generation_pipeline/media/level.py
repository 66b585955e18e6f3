"""Measure the level of audio frame by frame: in decibels for people, and in exact integers for hosts."""

from collections.abc import Iterable, Iterator

import numpy as np

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.spec import SAMPLE_RATE

LOWEST = -200.0  # dB; the level of digital silence
SILENCE = -45.0  # dB of full scale; a frame whose level is below it is silent
STEPS = 65536  # steps of full scale, to which samples are rounded for their energy
FULL_SCALE = float(STEPS**2)  # energy of 0 dB


class FrameSplitter:
    """Splits audio that comes in pieces into the samples of each video frame."""

    def __init__(self, fps: int) -> None:
        self._size = SAMPLE_RATE // fps
        self._pending = np.empty(0, np.float32)

    def push(self, samples: Samples) -> list[Samples]:
        """Take samples (k,) float32 at 16 kHz, any k; return the samples of each frame that they complete."""
        pending = np.concatenate([self._pending, samples])
        count = len(pending) // self._size
        frames, self._pending = pending[: count * self._size], pending[count * self._size :]
        return list(frames.reshape(count, self._size))

    def flush(self) -> list[Samples]:
        """Return the last, incomplete frame, if there is one."""
        return [self._pending] if len(self._pending) else []


def split_frames(blocks: Iterable[Samples], fps: int) -> Iterator[Samples]:
    """Yield the samples of each video frame, of audio in blocks (k,) float32 at 16 kHz; the last may be short."""
    splitter = FrameSplitter(fps)
    for block in blocks:
        yield from splitter.push(block)
    yield from splitter.flush()


def frame_levels(blocks: Iterable[Samples], fps: int) -> Iterator[float]:
    """Yield the level in dB of full scale of each frame of audio in blocks (k,) float32 at 16 kHz."""
    return (level(frame) for frame in split_frames(blocks, fps))


def level(samples: Samples) -> float:
    """The level of samples (k,), k > 0, in dB of full scale: that of their standard deviation, at least `LOWEST`."""
    deviation = float(samples.astype(np.float64).std())
    return float(20 * np.log10(deviation)) if deviation > 10 ** (LOWEST / 20) else LOWEST


def energy(samples: Samples) -> float:
    """The variance of samples (k,), 0 < k <= 32768, in steps of 1 / 65536, squared: the same bits in every language.

    Rounded to steps, the sums are exact integers, and one division of two float64 follows; see docs/avatar.md.
    """
    steps = np.rint(np.clip(samples, -1, 1) * np.float32(STEPS)).astype(np.int64)
    count, total = len(steps), int(steps.sum())
    return float(count * int(steps @ steps) - total * total) / float(count * count)
