"""Turn audio into windows of features: compute them piece by piece, and replace them by the rest in silence."""

import logging
from collections import deque
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import LiveRests, SpeechGate, rested, silence_window
from frame_generation_pipeline.audio.stream import WindowStream
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.downmix import Downmix
from frame_generation_pipeline.spec import SAMPLE_RATE, AudioSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AudioFrontEnd:
    """Turns audio into windows, with the audio program, the gate and the window of a mouth at rest."""

    spec: AudioSpec
    program: AudioProgram | None = None  # None if only features can be spoken
    gate: SpeechGate | None = None  # None: the mouth never rests
    chosen_rest: Window | None = None  # (16, F); None: the program's window of silence
    downmix: Downmix | None = None  # how the channels of a file become one; None: chosen from the whole file

    @cached_property
    def rest(self) -> Window | None:
        """The window (16, F) at which the mouth rests; None without a chosen one and without an audio program."""
        if self.chosen_rest is None and self.program is not None:
            return silence_window(self.program)
        return self.chosen_rest

    def begin(self) -> "WindowsOfAudio":
        """Begin an utterance whose audio comes in pieces. Raises OptionError without an audio program."""
        return WindowsOfAudio(self)


class WindowsOfAudio:
    """Turns the audio of one utterance into windows (16, F) piece by piece; they do not depend on the pieces' lengths.

    The features of a window reach beyond its frame and are computed in blocks, so a window comes some time after the
    beginning of its frame's audio, see `blocks.look_ahead`. The gate needs no more audio, so it adds no delay.
    """

    def __init__(self, front_end: AudioFrontEnd) -> None:
        if front_end.program is None:
            raise OptionError("this avatar has no audio encoder; live speech needs one")
        self._spec = front_end.spec
        self._windows = WindowStream(front_end.program)
        self._samples = 0
        self._rest = front_end.rest
        gate = front_end.gate
        self._rests = None if gate is None or self._rest is None else LiveRests(gate, self._spec)
        self._shares: deque[float] = deque()  # of rest; known before their windows are complete

    def push(self, samples: npt.NDArray[np.float32]) -> list[Window]:
        """Take mono samples (k,) float32 at 16 kHz, any k; return the windows that they complete. Raises AudioError."""
        windows = self._windows.push(samples)
        self._samples += len(samples)
        if self._rests:
            self._shares += self._rests.push(samples)
        return self._rested(windows)

    def flush(self) -> list[Window]:
        """End the audio; return the windows of its remaining frames. Raises AudioError if there was no audio."""
        windows = self._windows.flush(frame_count(self._samples / SAMPLE_RATE, self._spec))
        if self._rests:
            self._shares += self._rests.flush()
            self._shares += self._rests.missing(max(len(windows) - len(self._shares), 0))
            if not self._rests.speech:
                logger.warning("no speech heard in this session, so the mouth rested")
        return self._rested(windows)

    def _rested(self, windows: list[Window]) -> list[Window]:
        if self._rest is None or not self._rests:
            return windows
        return [rested(window, self._rest, self._shares.popleft()) for window in windows]


def frame_count(seconds: float, spec: AudioSpec) -> int:
    """The number of frames for `seconds` of audio, rounded to the nearest, at least 1."""
    return max(1, round(seconds * spec.fps))
