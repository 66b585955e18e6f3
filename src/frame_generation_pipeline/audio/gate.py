"""Find silence in audio, where the window of a mouth at rest replaces the window of the audio.

The decision for a frame depends on the audio before it and as far after it as a window of features reaches. So live
speech has no further delay, and the pieces in which audio comes do not change the bits.
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
from frame_generation_pipeline.spec import SAMPLE_RATE, WINDOW, AudioSpec

SHORTEST_SILENCE = 10  # frames; the mouth rests in no shorter one. It is longer than a window reaches ahead
FADE = 4  # frames of a transition from speech to rest or back

# Constants of `RelativeGate`, also in docs/avatar.md; energies are those of `level.energy`.
USUAL_THRESHOLD = 429_497.0  # energy, -40 dB; speech at a usual level is above it
NO_ROOM = 16.0  # energy, -84 dB; less is digital silence, which does not show the room's noise
UNKNOWN_ROOM = 2_710.0  # energy, -62 dB; replaces that of digital silence
FLOOR_FRAMES, FLOOR_RANK = 100, 3  # the room's noise is the third smallest energy of 100 frames
ABOVE_ROOM = 16.0  # times the room's energy, 12 dB; a quiet voice above it is speech
ABOVE_NOISE = 8.0  # times the room's energy, 9 dB; the minimum for any voice once the room is known
BELOW_SPEECH = 1 / 128  # of the speech's own energy, -21 dB; less is not speech
HYSTERESIS = 0.3125  # of the threshold, -5 dB; speech ends below it
RISE, FALL = 1.125, 0.96875  # factors of the speech's own energy from frame to frame; 80 % of frames are then below it

Detector = Callable[[Samples], bool]  # takes the audio of each frame in order; returns whether somebody speaks in it


@dataclass(frozen=True)
class Gate:
    """A gate with fixed levels: speech begins at the level `speech` and ends below the level `silence`.

    Levels are those of a frame's audio without its mean, in dB of full scale.
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
        """A detector for the beginning of the audio."""
        speaks = False

        def push(samples: Samples) -> bool:
            nonlocal speaks
            speaks = level(samples) >= (self.silence if speaks else self.speech)
            return speaks

        return push


@dataclass(frozen=True)
class RelativeGate:
    """A gate for which speech is above the room's noise and not far below the level of the speech so far."""

    def detector(self) -> Detector:
        """A detector for the beginning of the audio."""
        return _RelativeDetector()


@dataclass(frozen=True)
class AsPackaged:
    """Stands for the gate of the avatar's package: a fixed one up to version 2, then the relative one."""


SpeechGate = Gate | RelativeGate
FIXED_GATE, RELATIVE_GATE, AS_PACKAGED = Gate(), RelativeGate(), AsPackaged()


class _RelativeDetector:
    """Follows the steps of docs/avatar.md, "Silence", with single multiplications and comparisons of float64."""

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
    """Computes the share of rest of each frame: 0 in speech, 1 in silence, and values between them in a transition.

    Frame i rests if nobody speaks in `SHORTEST_SILENCE` frames, the last of which is that of its window's last feature;
    its share is the mean over the last `FADE` frames. So rest ends before speech begins, and the fewer frames a window
    reaches ahead, the later rest begins.
    """

    def __init__(self, spec: AudioSpec) -> None:
        self._ahead = spec.ahead
        self._quiet = SHORTEST_SILENCE - 1 - self._ahead  # frames of silence so far; there is some before the first
        self._pushed = 0  # frames
        self._rests: list[bool] = []  # whether each of the last frames rests, at most FADE

    def push(self, speaks: Iterable[bool]) -> list[float]:
        """Take whether somebody speaks in the next frames; return the shares of the frames that this decides."""
        return [share for frame in speaks if (share := self._push(frame)) is not None]

    def flush(self, count: int) -> list[float]:
        """Return the shares of the `count` remaining frames; after the audio nobody speaks."""
        return [share for _ in range(count + self._ahead) if (share := self._push(False)) is not None][:count]

    def _push(self, speaks: bool) -> float | None:
        self._quiet = 0 if speaks else self._quiet + 1
        self._pushed += 1
        if self._pushed <= self._ahead:
            return None
        rests = self._quiet >= SHORTEST_SILENCE
        self._rests = [*(self._rests or [rests] * (FADE - 1)), rests][-FADE:]
        return sum(self._rests) / FADE


class LiveRests:
    """Computes the shares of rest of audio that comes in pieces, each as soon as it is decided."""

    def __init__(self, gate: SpeechGate, spec: AudioSpec) -> None:
        self._frames, self._speaks, self._rests = FrameSplitter(spec.fps), gate.detector(), RestStream(spec)
        self.speech = 0  # frames so far in which somebody speaks

    def push(self, samples: Samples) -> list[float]:
        """Take samples (k,) float32 at 16 kHz, any k; return the shares of the frames that they decide."""
        return self._detect(self._frames.push(samples))

    def flush(self) -> list[float]:
        """End the audio; return the shares that its last, incomplete frame decides. `missing` gives the others."""
        return self._detect(self._frames.flush())

    def missing(self, count: int) -> list[float]:
        """Return the shares of `count` more frames, also after the audio; nothing may be pushed after this."""
        return self._rests.flush(count)

    def _detect(self, frames: list[Samples]) -> list[float]:
        speaks = [self._speaks(frame) for frame in frames]
        self.speech += sum(speaks)
        return self._rests.push(speaks)


def rest_shares(blocks: Iterable[Samples], gate: SpeechGate, spec: AudioSpec) -> Iterator[float]:
    """Yield the shares of frames 0, 1, ... without end, for audio in blocks (k,) float32 at 16 kHz."""
    shares, speaks = RestStream(spec), gate.detector()
    for frame in chain(map(speaks, split_frames(blocks, spec.fps)), repeat(False)):
        yield from shares.push([frame])


def rested(window: Window, rest: Window, share: float) -> Window:
    """Mix a window (16, F) with `share` of the window `rest`; returns `window` itself for 0 and `rest` for 1."""
    if share in (0, 1):
        return rest if share else window
    return np.asarray((1 - share) * window + share * rest, np.float32)


def silence_window(program: AudioProgram) -> Window:
    """The window (16, F) of digital silence, far from the ends of the audio."""
    spec = program.spec
    samples = np.zeros(3 * WINDOW * SAMPLE_RATE // spec.fps, np.float32)
    return feature_window(extract_features([samples], program).values, WINDOW + spec.before, spec)
