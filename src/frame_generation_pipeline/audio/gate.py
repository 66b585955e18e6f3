"""Silence: where nobody speaks, the generator gets the window of features at which the mouth rests.

Everything follows frame by frame from the audio so far, with as much look ahead as windows of features have
anyway, so that live speech waits for nothing and every way of feeding audio gives the same bits.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from frame_generation_pipeline.arrays import Samples, Window
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.level import LOWEST, SILENCE, FrameSplitter, energy, level, split_frames
from frame_generation_pipeline.spec import SAMPLE_RATE, WINDOW, WINDOW_BEFORE, AudioSpec

AHEAD = WINDOW - WINDOW_BEFORE - 1  # frames; a window's last feature is that of so much later a frame
AFTER = 2  # frames after speech in which the mouth comes to its end by itself
FADE = 4  # frames; from speech to rest and back

# Of `RelativeGate`; energies are those of `level.energy`, and docs/avatar.md states the same numbers.
USUAL_THRESHOLD = 429_497.0  # energy, -40 dB: speech at a usual level is above it
NO_ROOM = 16.0  # energy, -84 dB; below it is digital silence, which says nothing of the room's noise
UNKNOWN_ROOM = 2_710.0  # energy, -62 dB: what digital silence is taken for
FLOOR_FRAMES, FLOOR_RANK = 100, 3  # the room's noise is the third smallest of so many frames
ABOVE_ROOM = 16.0  # times the room's energy, 12 dB, from which a quiet voice counts as speech
ABOVE_NOISE = 8.0  # times the room's energy, 9 dB, which is demanded of any voice once the room is known
BELOW_SPEECH = 1 / 128  # of the speech's own energy, -21 dB, below which nothing belongs to it
HYSTERESIS = 0.3125  # of the threshold, -5 dB, at which speech ends
RISE, FALL = 1.125, 0.96875  # of the speech's own energy from frame to frame: four in five are below it then

Detector = Callable[[Samples], bool]  # is given frame after frame of audio, and tells whether somebody speaks in it


@dataclass(frozen=True)
class Gate:
    """Somebody speaks from where the level reaches `speech` until it falls below `silence`.

    Both in dB of full scale, of a frame's audio without its mean.
    """

    silence: float = SILENCE
    speech: float = -40.0

    def __post_init__(self) -> None:
        if not LOWEST < self.silence <= self.speech <= 0:
            raise OptionError(
                f"silence below {self.silence:g} dB and speech above {self.speech:g} dB; expected the first to be the"
                f" lower one, and both between {LOWEST:g} and 0"
            )

    def detector(self) -> Detector:
        """A detector at the beginning of the audio."""
        speaks = False

        def push(samples: Samples) -> bool:
            nonlocal speaks
            speaks = level(samples) >= (self.silence if speaks else self.speech)
            return speaks

        return push


@dataclass(frozen=True)
class RelativeGate:
    """Somebody speaks where the audio stands out from the room's noise and is not far below the speech's own level."""

    def detector(self) -> Detector:
        """A detector at the beginning of the audio."""
        return _RelativeDetector()


@dataclass(frozen=True)
class AsPackaged:
    """The gate that an avatar's package means: a fixed one up to version 2, the relative one from then on."""


SpeechGate = Gate | RelativeGate
FIXED_GATE, RELATIVE_GATE, AS_PACKAGED = Gate(), RelativeGate(), AsPackaged()


class _RelativeDetector:
    """Docs/avatar.md, "Silence", step by step: single multiplications and comparisons of float64."""

    def __init__(self) -> None:
        self._floors: deque[float] = deque(maxlen=FLOOR_FRAMES)  # energies
        self._speech = 0.0  # energy; 0 until somebody speaks
        self._speaks = False  # in the last frame

    def __call__(self, samples: Samples) -> bool:
        power = energy(samples)
        self._floors.append(power if power >= NO_ROOM else UNKNOWN_ROOM)
        threshold = self._threshold()
        self._speaks = power >= (threshold * HYSTERESIS if self._speaks else threshold)
        if self._speaks:
            if self._speech:
                self._speech *= RISE if power > self._speech else FALL
            else:
                self._speech = min(power, USUAL_THRESHOLD)
        return self._speaks

    def _threshold(self) -> float:
        if len(self._floors) < FLOOR_RANK:
            return USUAL_THRESHOLD
        room = sorted(self._floors)[FLOOR_RANK - 1]
        threshold = min(max(ABOVE_ROOM * room, BELOW_SPEECH * self._speech), USUAL_THRESHOLD)
        return threshold if len(self._floors) < FLOOR_FRAMES else max(threshold, ABOVE_NOISE * room)


class RestStream:
    """How much of each frame is rest: 0 where somebody speaks, 1 where nobody does, and steps of a fade between them.

    Frame i rests when nobody speaks from `AFTER` frames before it to `AHEAD` frames after it; its share is the mean
    over the last `FADE` frames. So silences of less than 0.4 s are speech, and the mouth is free before speech begins.
    """

    def __init__(self) -> None:
        self._quiet = AFTER  # frames without speech at the end; before the first there is silence
        self._pushed = 0  # frames
        self._rests: list[bool] = []  # of the last frames, at most FADE

    def push(self, speaks: Iterable[bool]) -> list[float]:
        """Whether somebody speaks in the next frames -> the shares of the frames whose look ahead they complete."""
        return [share for frame in speaks if (share := self._push(frame)) is not None]

    def flush(self, count: int) -> list[float]:
        """The shares of the `count` frames that are still missing; beyond the audio nobody speaks."""
        return [share for _ in range(count + AHEAD) if (share := self._push(False)) is not None][:count]

    def _push(self, speaks: bool) -> float | None:
        self._quiet = 0 if speaks else self._quiet + 1
        self._pushed += 1
        if self._pushed <= AHEAD:
            return None
        rests = self._quiet > AFTER + AHEAD
        self._rests = [*(self._rests or [rests] * (FADE - 1)), rests][-FADE:]
        return sum(self._rests) / FADE


class LiveRests:
    """The shares of rest of audio that comes in pieces, each as soon as it is known."""

    def __init__(self, gate: SpeechGate, spec: AudioSpec) -> None:
        self._frames, self._speaks, self._rests = FrameSplitter(spec.fps), gate.detector(), RestStream()
        self.speech = 0  # frames so far in which somebody speaks

    def push(self, samples: Samples) -> list[float]:
        """Samples (k,) float32 at 16 kHz, any k -> the shares of the frames that are known by them."""
        return self._detect(self._frames.push(samples))

    def flush(self) -> list[float]:
        """End the audio: the shares that its last, incomplete frame completes. `missing` gives the others."""
        return self._detect(self._frames.flush())

    def missing(self, count: int) -> list[float]:
        """The shares of `count` more frames, to the end of the audio and beyond it; nothing may be pushed after it."""
        return self._rests.flush(count)

    def _detect(self, frames: list[Samples]) -> list[float]:
        speaks = [self._speaks(frame) for frame in frames]
        self.speech += sum(speaks)
        return self._rests.push(speaks)


def rest_shares(blocks: Iterable[Samples], gate: SpeechGate, spec: AudioSpec) -> Iterator[float]:
    """The shares of frames 0, 1, ... without end, of audio given as blocks (k,) float32 at 16 kHz."""
    shares, speaks = RestStream(), gate.detector()
    for frame in chain(map(speaks, split_frames(blocks, spec.fps)), repeat(False)):
        yield from shares.push([frame])


def rested(window: Window, rest: Window, share: float) -> Window:
    """The window (16, F) of a frame of which `share` is rest; `window` itself where that is 0, `rest` where it is 1."""
    if share in (0, 1):
        return rest if share else window
    return np.asarray((1 - share) * window + share * rest, np.float32)


def silence_window(program: AudioProgram) -> Window:
    """The window (16, F) of digital silence, far from its ends."""
    samples = np.zeros(3 * WINDOW * SAMPLE_RATE // program.spec.fps, np.float32)
    return feature_window(extract_features([samples], program).values, WINDOW + WINDOW_BEFORE)
