"""Render frames as a live encoder takes them; those of the mouth at rest are kept and shared by all sessions."""

import threading
from dataclasses import dataclass, field
from time import thread_time
from typing import ClassVar

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.media.images import to_planes
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.speaking.frame_renderer import FrameRenderer
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.template.loop import ShownFrame

NEWEST = 0.1  # weight of the newest frame in the mean of what a frame costs


class Room:
    """The number of bytes that the kept frames at rest of all avatars may take together."""

    def __init__(self, size: int) -> None:
        self._left, self._lock = size, threading.Lock()

    def take(self, size: int) -> bool:
        """Whether so many were left; they are taken then."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True


@dataclass(frozen=True, eq=False)
class LiveRenderer(FrameRenderer):
    """Renders 4:2:0 frames (H * 3/2, W) uint8, planes Y, U, V below each other, BT.709, both sides even.

    Frames at rest are kept while there is room; which of them are kept changes nothing in what comes out.
    """

    rest: Window = field(default_factory=lambda: np.empty((0, 0), np.float32))
    longest: int = 720  # pixels; the most that the longer side has
    room: Room = field(default_factory=lambda: Room(0))
    _kept: dict[ShownFrame, Frame] = field(default_factory=dict)
    _cost: list[float] = field(default_factory=list)  # seconds of one core for a frame whose face is kept, if it can be

    NO_TIMES: ClassVar[StageTimes] = StageTimes()

    @classmethod
    def of(cls, avatar: Avatar, longest: int, room: Room) -> "LiveRenderer":
        """The renderer of an avatar's live sessions. Raises OptionError where it cannot be spoken with."""
        avatar.front_end.begin()  # raises where no audio can become windows
        rest = avatar.front_end.rest
        assert rest is not None  # the encoder's of silence at least
        loop = avatar.style.loop
        whole = max(avatar.template.width, avatar.template.height) <= longest
        return cls(avatar.template, avatar.generator, avatar.states, avatar.blend, loop, whole, rest, longest, room)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames."""
        width, height = self.template.width, self.template.height
        scale = min(1.0, self.longest / max(width, height))
        if scale == 1.0:
            return width + width % 2, height + height % 2
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)

    @property
    def cost(self) -> float:
        """Seconds of one core that rendering a frame takes; 0 until one was rendered whose face was known."""
        return self._cost[0] if self._cost else 0.0

    def make(self, number: int, window: Window, start_frame: int, times: StageTimes) -> Frame:
        """See `FrameRenderer.make`."""
        if (kept := self.kept(number, window, start_frame)) is not None:
            return kept
        started, computed = thread_time(), self._faces_computed
        frame = super().make(number, window, start_frame, times)
        if not self.planar:
            frame = to_planes(np.asarray(cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA), np.uint8))
        taken = thread_time() - started
        if self._faces_computed == computed:  # else it took what later frames are spared
            self._cost[:] = [taken if not self._cost else (1 - NEWEST) * self._cost[0] + NEWEST * taken]
        shown = self._shown(number, start_frame)
        if window is self.rest and shown not in self._kept and self.room.take(frame.nbytes):
            self._kept[shown] = frame
        return frame

    def kept(self, number: int, window: Window, start_frame: int) -> Frame | None:
        """See `FrameRenderer.kept`."""
        return self._kept.get(self._shown(number, start_frame)) if window is self.rest else None

    @property
    def frames_at_rest(self) -> int:
        """How many frames at rest are kept."""
        return len(self._kept)

    def keep_all(self, engine: Engine) -> None:
        """Have every frame at rest rendered while there is room, whenever the engine has nothing else to do.

        One after the other, so that the other workers are free for what is due.
        """
        numbers = {self._shown(number, 0): number for number in range(2 * len(self.template))}
        coming = iter(sorted(numbers.values()))

        def keep_next() -> None:
            number = next(coming, None)
            if number is None:
                return
            self.make(number, self.rest, 0, self.NO_TIMES)
            if self.kept(number, self.rest, 0) is not None:
                engine.submit(keep_next)

        engine.submit(keep_next)

    @property
    def _faces_computed(self) -> int:
        return 0 if self.states is None else self.states.computed

    def _shown(self, number: int, start_frame: int) -> ShownFrame:
        return self.template.shown(number, start_frame, self.loop)
