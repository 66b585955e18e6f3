"""Decide for a live service which frame is shown when: utterances and idle frames on one clock."""

from dataclasses import dataclass
from functools import partial
from math import ceil
from time import monotonic

import numpy as np

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.audio.blocks import BLOCKS
from frame_generation_pipeline.audio.gate import FADE, rested
from frame_generation_pipeline.speaking.audio_front_end import AudioFrontEnd
from frame_generation_pipeline.speaking.engine import Engine, Task
from frame_generation_pipeline.speaking.frame_renderer import FrameRenderer
from frame_generation_pipeline.speaking.session import Session
from frame_generation_pipeline.spec import SAMPLE_RATE

MARGIN = 0.04  # seconds; frames of audio that comes in real time are shown so much later than necessary
RECENT = 0.2  # weight of the newest frame in the mean rendering time
MOST_AHEAD = 4  # frames that may be skipped to catch up; so many are rendered ahead
_NOTHING = np.empty((0, 0, 3), np.uint8)  # stands for a frame that is not rendered because it would be late


@dataclass(frozen=True)
class Tick:
    """The image and audio of one frame's time."""

    frame: Frame | None  # None if it is not rendered: the frame before it is shown again
    utterance_frame: int | None = None  # number of the utterance's frame whose audio is played; None for silence
    late: bool = False  # whether the frame that was due is not rendered yet
    over: bool = False  # whether the utterance ended with the frame before this one


class Conversation(Session):
    """A session on a clock that its user keeps: `tick` gives the frame whose time has come, speaking or idle.

    Idle frames are shown until the first frame of an utterance is due and again after its last one; the mouth opens
    and closes over `FADE` frames. Audio is played only with frames whose windows are known: if it comes too slowly,
    the speech pauses and the mouth rests. If rendering is too slow, the audio goes on, the last frame is shown again,
    and frames that would be late are skipped, so video and audio are never more than one frame apart.

    One thread calls `tick`; any other thread may push, finish and interrupt. After `finish`, nothing may be pushed
    until a tick has `over` set.
    """

    def __init__(self, renderer: FrameRenderer, engine: Engine, front_end: AudioFrontEnd) -> None:
        """engine: has at least one worker. Raises OptionError if the front end has no window of a mouth at rest."""
        super().__init__(renderer, engine, front_end)
        self._resting = self._rest()
        self._due: int | None = None  # the session's frame at which speech begins or goes on; None at rest
        self._from = 0  # the utterance's frame that is shown at `_due`
        self._position = 0  # frames of the utterance whose time has come
        self._taking = 0.0  # seconds that rendering a frame takes
        self._opens: float | None = None  # since when the first frame of speech is rendered; None where none is
        self._opening = 0.0  # seconds that this takes, when it was quick lately
        self._ticked = monotonic()  # time of the last tick
        self._over = False  # the utterance has ended, and the next tick reports it
        self._idle: tuple[int, Frame | Task[Frame]] | None = None  # the idle frame that may be shown next

    def tick(self) -> Tick:
        """Give the next frame. Raises the errors of the audio program and of rendering; call `interrupt` after one."""
        with self._changed:
            self._ticked = monotonic()
            self._end_when_complete()
            over, self._over = self._over, False
            if self._due is None or self._shown < self._due:
                return Tick(self._take_idle(), over=over)
            return self._speak()

    def interrupt(self) -> float:
        """Drop the rest of the utterance; the mouth closes, and another utterance may begin at once.

        Returns how many seconds of the utterance were played.
        """
        with self._changed:
            position = self._position / self._rate
            self._over = False
            self._begin_anew()
            return position

    @property
    def waiting(self) -> float:
        """Seconds of pushed audio that are not played yet."""
        with self._changed:
            return self._utterance.pushed / SAMPLE_RATE - self._position / self._rate

    def _speak(self) -> Tick:
        utterance, number = self._utterance, self._position
        frame = None
        while utterance.given <= number and (rendered := self._next(wait=False)) is not None:
            if rendered.size and utterance.given >= number:  # a frame that is late by more than one is skipped
                frame = rendered
        if frame is None and self._known <= number:  # the audio of this frame has not come
            self._pause()
            return Tick(self._take_idle())
        late = utterance.given <= number
        if late and number == self._from:  # nothing was played yet: the beginning waits for its frame
            return Tick(None, late=True)
        self._position += 1
        self._shown = self._number_of(self._position)
        self._end_when_complete()
        return Tick(frame, number, late)

    def _end_when_complete(self) -> None:
        if self._utterance.ended and self._known <= self._position:
            if self._utterance.failed is not None:
                raise self._utterance.failed
            self._over = True
            self._begin_anew()

    @property
    def _known(self) -> int:
        """Frames of the utterance whose windows are known, including those already shown."""
        utterance = self._utterance
        return utterance.given + len(utterance.complete) + len(utterance.rendering) + len(utterance.windows)

    def _number_of(self, position: int) -> int:
        assert self._due is not None
        return self._due + position - self._from

    def _pause(self) -> None:
        """Let the mouth rest until more windows are known; frames that are already late are dropped."""
        for _, task in self._utterance.rendering:
            task.cancel()
        self._utterance.rendering.clear()
        self._utterance.complete.clear()
        self._utterance.given, self._due, self._opens = self._position, None, None
        self._utterance.close_mouth_of(self._utterance)
        self._prepare_idle()

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._due, self._opens, self._from, self._position = None, None, 0, 0
        self._prepare_idle()

    def _fill(self) -> None:
        if self._due is None and self._utterance.windows:
            self._from, self._opens = self._position, monotonic()
            self._due = self._number = self._shown + self._lead()
            self._began = monotonic() - self._shown / self._rate
        super()._fill()

    def _lead(self) -> int:
        """The number of idle frames before speech begins, in which its first frame is rendered.

        They are as few as it may take: if they are too few, the beginning waits for a tick, and is no later for that.
        More are needed while audio comes in real time, because its windows come one block at a time.
        """
        until_tick = self._ticked + 1 / self._rate - monotonic()
        least = min(max(ceil((self._opening - until_tick) * self._rate), 0), MOST_AHEAD)
        if self._utterance.ending:
            return least
        assert self._front_end is not None
        step = BLOCKS[self._front_end.spec].step
        ahead = sum(map(len, self._utterance.pieces)) / SAMPLE_RATE + len(self._utterance.windows) / self._rate
        return max(least, ceil((step / SAMPLE_RATE + MARGIN - ahead) * self._rate))

    @property
    def _frames_taken(self) -> int:
        """The number of frames whose time passes while one is rendered."""
        return min(ceil(self._taking * self._rate), MOST_AHEAD)

    @property
    def _ahead(self) -> int:
        """One frame while the first frame of speech is rendered: another one beside it would slow it down."""
        return 1 if self._opens is not None else super()._ahead

    def _encode_audio(self) -> None:
        if self._opens is None:
            super()._encode_audio()

    def _make(self, number: int, window: Window) -> Frame:
        """Render a frame in a worker unless it would be late; the first frames lead from rest to speech."""
        due = self._due
        if number == due:
            return self._open(number, window)
        if number < self._shown - 1 + self._frames_taken:
            return _NOTHING
        if due is not None and 0 <= number - due < FADE - 1:
            window = rested(window, self._resting, 1 - (number - due + 1) / FADE)
        started = monotonic()
        frame = super()._make(number, window)
        self._taking += RECENT * (monotonic() - started - self._taking)
        return frame

    def _open(self, number: int, window: Window) -> Frame:
        """Render the first frame of speech, then submit everything that waited for it."""
        opens = self._opens
        try:
            return super()._make(number, rested(window, self._resting, 1 - 1 / FADE))
        finally:
            with self._changed:
                if opens is not None and self._opens == opens:  # neither interrupted nor paused
                    taken = monotonic() - opens
                    self._opening = min(taken, self._opening + RECENT * (taken - self._opening))
                    self._opens = None
                    self._fill()
                    self._encode_audio()

    def _take_idle(self) -> Frame | None:
        number, self._shown = self._shown, self._shown + 1
        prepared, self._idle = self._idle, None
        self._prepare_idle()
        if prepared is None or prepared[0] != number:
            return None
        if not isinstance(prepared[1], Task):
            return prepared[1]
        if prepared[1].cancel() or not prepared[1].done():  # not begun, or not complete
            return None
        return self._engine.wait(prepared[1])

    def _prepare_idle(self) -> None:
        """Let a worker render the next idle frame, unless it is kept already."""
        number, window = self._shown, self._utterance.idle_window(self._resting)
        prepared: Frame | Task[Frame] | None = self._renderer.kept(number, window, self._start_frame)
        if prepared is None:
            due = monotonic() + 1 / self._rate
            prepared = self._engine.submit(partial(super()._make, number, window), due)
        self._idle = (number, prepared)
