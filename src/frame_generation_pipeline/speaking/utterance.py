"""The state of the speech that a session is saying; an interruption begins a new one."""

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
    """The way from pushed audio to frames that wait to be taken. The session's lock guards all of it."""

    audio: WindowsOfAudio | None  # None where only windows can be said
    steadier: Steadier | None  # None where the mouth is left as it is, and once the last frame is out
    pieces: deque[npt.NDArray[np.float32]] = field(default_factory=deque)  # audio that no worker has taken yet
    encoding: Task[None] | None = None  # the task that turns pieces into windows, while there is one
    windows: deque[Window] = field(default_factory=deque)  # whose frames are not begun
    rendering: deque[tuple[Window, Task[RenderedFrame | Frame]]] = field(default_factory=deque)  # begun, in order
    complete: deque[Frame] = field(default_factory=deque)  # frames that wait to be taken
    last: Window | None = None  # of the last frame that was painted
    pushed: int = 0  # samples
    given: int = 0  # frames
    ending: bool = False  # nothing will be pushed any more
    ended: bool = False  # nothing will be pushed any more, and all windows are there
    failed: BaseException | None = None  # raised where frames are taken
    closing: deque[float] = field(default_factory=deque)  # shares of rest of the idle frames in which the mouth closes

    def pending(self) -> bool:
        """Whether frames are to come of what is there, without more audio."""
        waits = self.windows or self.rendering or self.complete or (self.ended and self.steadier)
        return bool(waits or self.encoding or self.ending != self.ended)

    def waiting(self, rate: int) -> float:
        """Seconds of audio whose frames nobody has taken, of `rate` frames a second."""
        return self.pushed / SAMPLE_RATE - self.given / rate

    def close_mouth_of(self, before: "Utterance") -> None:
        """Let the next idle frames lead from the last frame of the utterance `before` to rest."""
        self.last, self.closing = before.last, before.closing
        if before.given:  # else the mouth is as the utterance before that one left it
            self.closing = deque((step + 1) / FADE for step in range(FADE))

    def idle_window(self, rest: Window) -> Window:
        """The window of the next frame in which nobody speaks; rest: that of the mouth at rest."""
        return rested(self.last, rest, self.closing.popleft()) if self.closing and self.last is not None else rest

    def add(self, window: Window, rendered: RenderedFrame | Frame, times: StageTimes) -> None:
        """The next frame is painted, and whole where nothing is steadied."""
        self.last = window
        if not isinstance(rendered, RenderedFrame):
            self.complete.append(rendered)
        elif self.steadier is not None:
            with times.measure("steady"):
                steadied = list(self.steadier.push(rendered))
            self.complete += [finish(frame, times) for frame in steadied]

    def end(self, times: StageTimes) -> bool:
        """The last frame was added: whether there was one that waited for the next."""
        if self.steadier is None:
            return False
        self.complete += [finish(rendered, times) for rendered in self.steadier.flush()]
        self.steadier = None
        return True
