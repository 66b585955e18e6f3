"""Utterance after utterance on one clock: what a live service shows, and when."""

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

MARGIN = 0.1  # seconds that frames of audio in real time are shown later than they could be known
RECENT = 0.2  # weight of the newest frame in the mean of how long painting takes
MOST_AHEAD = 4  # frames that are left out for painting to catch up; so many are painted ahead
_NOTHING = np.empty((0, 0, 3), np.uint8)  # of a frame that nobody begins to paint, because it would be late


@dataclass(frozen=True)
class Tick:
    """What is shown and heard for the time of one frame."""

    frame: Frame | None  # None where it is not painted: the one before it is shown again
    utterance_frame: int | None = None  # number of the utterance's frame whose audio is heard; None for silence
    late: bool = False  # whether a frame was due that is not painted yet
    over: bool = False  # whether the utterance has ended with the frame before


class Conversation(Session):
    """A person who speaks and rests, on a clock that somebody keeps: `tick` gives each frame when its time has come.

    The template's idle life goes on until the first frame of an utterance is due, and from its last frame on; the mouth
    opens and closes over `FADE` frames. Audio is heard only with frames whose windows are known: where it comes too
    slowly, speech pauses and the mouth rests. Where painting is too slow, the audio goes on, the last frame is shown
    again, and frames that would be late are not begun: video and audio are never more than a frame apart.

    One thread calls `tick`; any other may push, finish and interrupt. After `finish`, nothing may be pushed until a
    tick tells that the utterance is over.
    """

    def __init__(self, renderer: FrameRenderer, engine: Engine, front_end: AudioFrontEnd) -> None:
        """engine: with a worker at least. Raises OptionError where nothing tells how the mouth rests."""
        super().__init__(renderer, engine, front_end)
        self._resting = self._rest()
        self._due: int | None = None  # the session's frame with which speech begins or goes on; None while it rests
        self._from = 0  # the utterance's frame that is shown then
        self._position = 0  # frames of the utterance whose time has come
        self._taking = 0.0  # seconds that painting a frame takes
        self._ticked = monotonic()  # when the clock was at its last tick
        self._over = False  # the utterance has ended, which the next tick tells
        self._idle: tuple[int, Frame | Task[Frame]] | None = None  # the frame at rest that may be shown next

    def tick(self) -> Tick:
        """The next frame of the clock. Raises what turning audio into windows or painting raises; then interrupt."""
        with self._changed:
            self._ticked = monotonic()
            self._end_when_complete()
            over, self._over = self._over, False
            if self._due is None or self._shown < self._due:
                return Tick(self._take_idle(), over=over)
            return self._speak()

    def interrupt(self) -> float:
        """Say nothing more of the utterance; the mouth closes, and another one may begin at once.

        Returns the seconds of it whose time has come.
        """
        with self._changed:
            position = self._position / self._rate
            self._over = False
            self._begin_anew()
            return position

    @property
    def waiting(self) -> float:
        """Seconds of audio that were pushed and whose time has not come."""
        with self._changed:
            return self._utterance.pushed / SAMPLE_RATE - self._position / self._rate

    def _speak(self) -> Tick:
        utterance, number = self._utterance, self._position
        frame = None
        while utterance.given <= number and (found := self._next(wait=False)) is not None:
            if found.size and utterance.given >= number:  # one that is later by more than a frame is left out
                frame = found
        if frame is None and self._known <= number:  # the audio of this frame has not come
            self._pause()
            return Tick(self._take_idle())
        late = utterance.given <= number
        if late and number == self._from:  # nothing was heard yet: the beginning waits
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
        """Frames of the utterance whose windows are known, those included whose time has come."""
        utterance = self._utterance
        return utterance.given + len(utterance.complete) + len(utterance.rendering) + len(utterance.windows)

    def _number_of(self, position: int) -> int:
        assert self._due is not None
        return self._due + position - self._from

    def _pause(self) -> None:
        """Rest until more windows are known; frames that are late by now are never shown."""
        for _, task in self._utterance.rendering:
            task.cancel()
        self._utterance.rendering.clear()
        self._utterance.complete.clear()
        self._utterance.given, self._due = self._position, None
        self._utterance.close_mouth_of(self._utterance)
        self._prepare_idle()

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._due, self._from, self._position = None, 0, 0
        self._prepare_idle()

    def _fill(self) -> None:
        if self._due is None and self._utterance.windows:
            self._from = self._position
            self._due = self._number = self._shown + self._lead()
            self._began = monotonic() - self._shown / self._rate
        super()._fill()

    def _lead(self) -> int:
        """Frames at rest until speech begins: its first frame is painted meanwhile.

        While audio comes in real time they are more, since its windows come a block at a time.
        """
        until_tick = self._ticked + 1 / self._rate - monotonic()
        least = min(max(ceil((self._taking - until_tick) * self._rate), 0), MOST_AHEAD)
        if self._utterance.ending:
            return least
        assert self._front_end is not None
        step = BLOCKS[self._front_end.spec].step
        ahead = sum(map(len, self._utterance.pieces)) / SAMPLE_RATE + len(self._utterance.windows) / self._rate
        return max(least, ceil((step / SAMPLE_RATE + MARGIN - ahead) * self._rate))

    @property
    def _frames_taken(self) -> int:
        """Frames whose time passes while one is painted."""
        return min(ceil(self._taking * self._rate), MOST_AHEAD)

    def _make(self, number: int, window: Window) -> Frame:
        """Paint a frame in a worker, unless it would come too late; the first ones lead from rest to speech."""
        due = self._due
        if number < self._shown - 1 + self._frames_taken:
            return _NOTHING
        if due is not None and 0 <= number - due < FADE - 1:
            window = rested(window, self._resting, 1 - (number - due + 1) / FADE)
        started = monotonic()
        frame = super()._make(number, window)
        self._taking += RECENT * (monotonic() - started - self._taking)
        return frame

    def _take_idle(self) -> Frame | None:
        number, self._shown = self._shown, self._shown + 1
        prepared, self._idle = self._idle, None
        self._prepare_idle()
        if prepared is None or prepared[0] != number:
            return None
        if not isinstance(prepared[1], Task):
            return prepared[1]
        if prepared[1].cancel() or not prepared[1].done():  # not begun, or not ready yet
            return None
        return self._engine.wait(prepared[1])

    def _prepare_idle(self) -> None:
        """Have the next frame at rest painted, where it is not kept."""
        number, window = self._shown, self._utterance.idle_window(self._resting)
        prepared: Frame | Task[Frame] | None = self._renderer.kept(number, window, self._start_frame)
        if prepared is None:
            due = monotonic() + 1 / self._rate
            prepared = self._engine.submit(partial(super()._make, number, window), due)
        self._idle = (number, prepared)
