"""Live speech: sound comes piece by piece, and each frame is given as soon as its window of features is complete."""

import logging
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import LiveRests, SpeechGate, rested
from frame_generation_pipeline.audio.stream import WindowStream
from frame_generation_pipeline.speaking.engine import Frame, Window
from frame_generation_pipeline.speaking.speech import frame_count
from frame_generation_pipeline.spec import SAMPLE_RATE

logger = logging.getLogger(__name__)


class GenerateFrames(Protocol):
    """`speaking.engine.generate_frames` of one avatar."""

    def __call__(self, windows: list[Window], *, start_frame: int, first: int, ends: bool) -> Iterator[Frame]:
        """One frame for each window, numbered from `first` on; the last may wait unless the speech `ends`."""


class LiveSession:
    """Frames of an avatar that hears its speech in pieces: bit for bit those of the whole speech at once.

    A frame's window reaches beyond the frame's beginning, and features come in blocks, so that frames are 0.44 to
    0.60 s behind the sound, for `whisper` 0.52 to 0.88 s, and as much more as it takes to make them; steadied ones are
    a frame later. Whether somebody speaks is told from the sound up to 0.32 s after a frame's beginning, which is heard
    by then.
    """

    def __init__(
        self,
        generate: GenerateFrames,
        program: AudioProgram,
        start_frame: int = 0,
        *,
        gate: SpeechGate | None = None,
        rest: Window | None = None,
    ) -> None:
        """gate, rest: see `plan_speech`."""
        generate([], start_frame=start_frame, first=0, ends=False)  # raises now when there is no such frame
        self._generate, self._spec, self._start_frame = generate, program.spec, start_frame
        self._windows = WindowStream(program)
        self._rests = _Rests(program, gate, rest) if gate is not None and rest is not None else None
        self._samples = 0  # heard so far
        self._frames = 0  # made so far

    def push(self, samples: npt.NDArray[np.float32]) -> list[Frame]:
        """Mono samples (k,) float32 at 16 kHz, any k -> the frames (H, W, 3) uint8 BGR that they complete.

        Raises AudioError for samples of another shape or type, or that are not finite.
        """
        windows = self._windows.push(samples)
        self._samples += len(samples)
        return self._made(self._rests.push(samples, windows) if self._rests else windows)

    def finish(self) -> list[Frame]:
        """End the speech: the frames that are still missing, so that picture and sound are of one length.

        Nothing may be pushed after it. Raises AudioError when there was no sound at all.
        """
        windows = self._windows.flush(frame_count(self._samples / SAMPLE_RATE, self._spec))
        return self._made(self._rests.flush(windows) if self._rests else windows, ends=True)

    def _made(self, windows: list[Window], *, ends: bool = False) -> list[Frame]:
        frames = list(self._generate(windows, start_frame=self._start_frame, first=self._frames, ends=ends))
        self._frames += len(windows)
        return frames


class _Rests:
    """Windows on their way, each with its share of rest; a share is known before the window is complete."""

    def __init__(self, program: AudioProgram, gate: SpeechGate, rest: Window) -> None:
        self._stream, self._rest = LiveRests(gate, program.spec), rest
        self._shares: deque[float] = deque()

    def push(self, samples: npt.NDArray[np.float32], windows: list[Window]) -> list[Window]:
        self._shares += self._stream.push(samples)
        return self._rested(windows)

    def flush(self, windows: list[Window]) -> list[Window]:
        self._shares += self._stream.flush()
        self._shares += self._stream.missing(max(len(windows) - len(self._shares), 0))
        if not self._stream.speech:
            logger.warning("no speech heard in this session, so the mouth rested")
        return self._rested(windows)

    def _rested(self, windows: list[Window]) -> list[Window]:
        return [rested(window, self._rest, self._shares.popleft()) for window in windows]
