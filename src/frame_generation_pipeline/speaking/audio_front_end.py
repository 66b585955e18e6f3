"""Audio that comes in pieces, as windows of features on their way to frames: computed, and rested in silence."""

import logging
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import LiveRests, SpeechGate, rested
from frame_generation_pipeline.audio.stream import WindowStream
from frame_generation_pipeline.speaking.speech import frame_count
from frame_generation_pipeline.spec import SAMPLE_RATE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AudioFrontEnd:
    """What turns audio into windows: the audio program, and the gate with the window of a mouth at rest.

    Without a gate or a rest, no window is rested.
    """

    program: AudioProgram
    gate: SpeechGate | None = None
    rest: Window | None = None  # (16, F)

    def begin(self) -> "WindowsOfAudio":
        """The windows of one utterance."""
        return WindowsOfAudio(self)


class WindowsOfAudio:
    """Windows (16, F) of one audio, pushed piece by piece; bit for bit those of the whole, however it is cut.

    A window's features reach beyond its frame and come in blocks, so that windows are 0.44 to 0.60 s behind the audio,
    for `whisper` 0.52 to 0.88 s. Whether somebody speaks is told from the audio up to 0.32 s after a frame's beginning,
    which is heard by then.
    """

    def __init__(self, front_end: AudioFrontEnd) -> None:
        self._spec = front_end.program.spec
        self._windows = WindowStream(front_end.program)
        self._samples = 0
        self._rest = front_end.rest
        self._rests = (
            LiveRests(front_end.gate, self._spec) if front_end.gate is not None and front_end.rest is not None else None
        )
        self._shares: deque[float] = deque()  # of rest; a share is known before its window is complete

    def push(self, samples: npt.NDArray[np.float32]) -> list[Window]:
        """Mono samples (k,) float32 at 16 kHz, any k -> the windows that they complete. Raises AudioError."""
        windows = self._windows.push(samples)
        self._samples += len(samples)
        if self._rests:
            self._shares += self._rests.push(samples)
        return self._rested(windows)

    def flush(self) -> list[Window]:
        """End the audio: the windows that are missing to as many frames as it lasts. Raises AudioError without any."""
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
