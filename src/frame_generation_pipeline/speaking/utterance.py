"""The state of one utterance of a session; an interruption begins a new one."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.audio.gate import FADE, rested
from frame_generation_pipeline.face.steady import RenderedFrame, Steadier
from frame_generation_pipeline.speaking.audio_front_end import WindowsOfAudio
from frame_generation_pipeline.speaking.engine import Task
from frame_generation_pipeline.speaking.frame_renderer import finish
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.spec import SAMPLE_RATE


@dataclass
class Utterance:
    """The audio, windows, tasks and frames of one utterance. The session's lock guards all of them."""

    audio: WindowsOfAudio | None  # None if the session only says windows
    steadier: Steadier | None  # None without steadying, and after the last frame
    pieces: deque[npt.NDArray[np.float32]] = field(default_factory=deque)  # audio that is not encoded yet
    encoding: Task[None] | None = None  # the task that turns pieces into windows, while it runs or waits
    windows: deque[Window] = field(default_factory=deque)  # those whose frames are not begun
    rendering: deque[tuple[Window, Task[RenderedFrame | Frame]]] = field(default_factory=deque)  # frames begun
    complete: deque[Frame] = field(default_factory=deque)  # frames that wait to be taken
    last: Window | None = None  # that of the last rendered frame
    pushed: int = 0  # samples
    given: int = 0  # frames that were taken
    ending: bool = False  # whether the audio has ended
    ended: bool = False  # whether the audio has ended and all its windows are computed
    failed: BaseException | None = None  # is raised in the thread that takes frames
    closing: deque[float] = field(default_factory=deque)  # shares of rest of the idle frames that close the mouth

    def pending(self) -> bool:
        """Whether more frames follow even without more audio."""
        waits = self.windows or self.rendering or self.complete or (self.ended and self.steadier)
        return bool(waits or self.encoding or self.ending != self.ended)

    def waiting(self, rate: int) -> float:
        """Seconds of audio whose frames nobody has taken. rate: frames a second."""
        return self.pushed / SAMPLE_RATE - self.given / rate

    def encode(
        self, piece: npt.NDArray[np.float32] | None, times: StageTimes
    ) -> tuple[list[Window], BaseException | None]:
        """Compute the windows that a piece of audio, or its end (None), completes; and the error, if there was one."""
        assert self.audio is not None  # `push` requires it
        try:
            with times.measure("features"):
                return self.audio.flush() if piece is None else self.audio.push(piece), None
        except BaseException as error:  # raised in the thread that takes frames
            return [], error

    def close_mouth_of(self, before: "Utterance") -> None:
        """Let the next idle frames close the mouth, beginning from the last frame of the utterance `before`."""
        self.last, self.closing = before.last, before.closing
        if before.given:  # otherwise an earlier utterance left the mouth as it is
            self.closing = deque((step + 1) / FADE for step in range(FADE))

    def idle_window(self, rest: Window) -> Window:
        """The window (16, F) of the next idle frame. rest: the window of a mouth at rest."""
        return rested(self.last, rest, self.closing.popleft()) if self.closing and self.last is not None else rest

    def add(self, window: Window, rendered: RenderedFrame | Frame, times: StageTimes) -> None:
        """Add the next rendered frame; it is complete at once unless it is steadied."""
        self.last = window
        if not isinstance(rendered, RenderedFrame):
            self.complete.append(rendered)
        elif self.steadier is not None:
            with times.measure("steady"):
                steadied = list(self.steadier.push(rendered))
            self.complete += [finish(frame, times) for frame in steadied]

    def end(self, times: StageTimes) -> bool:
        """Complete the last frame of the steadier; returns whether there was one."""
        if self.steadier is None:
            return False
        self.complete += [finish(rendered, times) for rendered in self.steadier.flush()]
        self.steadier = None
        return True
