"""Silence: where nobody speaks, the mouth is given the window of features at which it rests.

Everything is told frame by frame from the level of the sound, with so much of a look ahead as windows of features have
anyway, so that live speech waits for nothing and every way of feeding sound gives the same bits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.spec import SAMPLE_RATE, WINDOW, WINDOW_BEFORE, AudioSpec

AHEAD = WINDOW - WINDOW_BEFORE - 1  # frames; a window's last feature is that of so much later a frame
AFTER = 2  # frames after speech in which the mouth comes to its end by itself
FADE = 4  # frames; from speech to rest and back
LOWEST = -200.0  # dB; what digital silence is said to have

Window = npt.NDArray[np.float32]  # (16, F)


@dataclass(frozen=True)
class Gate:
    """When somebody speaks: from where the level rises above `speech` until it falls below `silence`.

    Both in dB of full scale, of a frame's sound without its mean.
    """

    silence: float = -45.0
    speech: float = -40.0

    def __post_init__(self) -> None:
        if not LOWEST < self.silence <= self.speech <= 0:
            raise OptionError(
                f"silence below {self.silence:g} dB and speech above {self.speech:g} dB; expected the first to be the"
                f" lower one, and both between {LOWEST:g} and 0"
            )


GATE = Gate()


class LevelStream:
    """The level in dB of full scale of each frame's sound, from sound in pieces."""

    def __init__(self, spec: AudioSpec) -> None:
        self._size = SAMPLE_RATE // spec.fps
        self._pending = np.empty(0, np.float32)

    def push(self, samples: npt.NDArray[np.float32]) -> list[float]:
        """Samples (k,) float32 at 16 kHz, any k -> the levels of the frames that they complete."""
        pending = np.concatenate([self._pending, samples])
        count = len(pending) // self._size
        frames, self._pending = pending[: count * self._size], pending[count * self._size :]
        return [_level(frame) for frame in frames.reshape(count, self._size)]

    def flush(self) -> list[float]:
        """The level of a last frame that the sound only begins, if there is one."""
        return [_level(self._pending)] if len(self._pending) else []


class RestStream:
    """How much of each frame is rest: 0 where somebody speaks, 1 where nobody does, and steps of a fade between them.

    Frame i rests when nobody speaks from `AFTER` frames before it to `AHEAD` frames after it; its share is the mean
    over the last `FADE` frames. So silences of less than 0.4 s are speech, and the mouth is free before speech begins.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._speaks = False  # in the last frame
        self._quiet = AFTER  # frames without speech at the end; before the first there is silence
        self._heard = 0  # frames
        self._rests: list[bool] = []  # of the last frames, at most FADE

    def push(self, levels: Iterable[float]) -> list[float]:
        """Levels in dB of the next frames -> the shares of the frames whose look ahead they complete."""
        return [share for level in levels if (share := self._hear(level)) is not None]

    def flush(self, count: int) -> list[float]:
        """The shares of the `count` frames that are still missing; beyond the sound nobody speaks."""
        return [share for _ in range(count + AHEAD) if (share := self._hear(LOWEST)) is not None][:count]

    def _hear(self, level: float) -> float | None:
        threshold = self._gate.silence if self._speaks else self._gate.speech
        self._speaks = level >= threshold
        self._quiet = 0 if self._speaks else self._quiet + 1
        self._heard += 1
        if self._heard <= AHEAD:
            return None
        rests = self._quiet > AFTER + AHEAD
        self._rests = [*(self._rests or [rests] * (FADE - 1)), rests][-FADE:]
        return sum(self._rests) / FADE


def frame_levels(blocks: Iterable[npt.NDArray[np.float32]], spec: AudioSpec) -> Iterator[float]:
    """The level in dB of full scale of each frame of sound given as blocks (k,) float32 at 16 kHz."""
    stream = LevelStream(spec)
    for block in blocks:
        yield from stream.push(block)
    yield from stream.flush()


def rest_shares(blocks: Iterable[npt.NDArray[np.float32]], gate: Gate, spec: AudioSpec) -> Iterator[float]:
    """The shares of frames 0, 1, ... without end, of sound given as blocks (k,) float32 at 16 kHz."""
    shares = RestStream(gate)
    for level in chain(frame_levels(blocks, spec), repeat(LOWEST)):
        yield from shares.push([level])


def rested(window: Window, rest: Window, share: float) -> Window:
    """The window (16, F) of a frame of which `share` is rest; `window` itself where that is 0."""
    return window if not share else np.asarray((1 - share) * window + share * rest, np.float32)


def silence_window(program: AudioProgram) -> Window:
    """The window (16, F) of digital silence, far from its ends."""
    samples = np.zeros(3 * WINDOW * SAMPLE_RATE // program.spec.fps, np.float32)
    return feature_window(extract_features([samples], program).values, WINDOW + WINDOW_BEFORE)


def _level(samples: npt.NDArray[np.float32]) -> float:
    deviation = float(samples.astype(np.float64).std())
    return 20 * np.log10(deviation) if deviation > 10 ** (LOWEST / 20) else LOWEST
