"""Audio in, frames out: the one stateful session that files and live use go through."""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError
from contextlib import closing
from functools import partial

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.errors import AudioError, OptionError, SessionError
from frame_generation_pipeline.face.steady import RenderedFrame, Steadier
from frame_generation_pipeline.speaking.audio_front_end import AudioFrontEnd
from frame_generation_pipeline.speaking.engine import WHENEVER, Engine, Task
from frame_generation_pipeline.speaking.frame_renderer import FrameRenderer
from frame_generation_pipeline.speaking.stages import StageTimes, prefetch
from frame_generation_pipeline.speaking.utterance import Utterance

Frames = Generator[Frame, None, None]  # whoever closes it ends the work behind it

AHEAD = 4  # frames that are painted before anybody takes them, beside one for each worker
BOUND = 30.0  # seconds of audio whose frames nobody has taken, at which `push` waits


class Session:
    """A person who speaks: audio is pushed, frames are taken; bit for bit the same however the audio comes.

    Any thread may push and another one take. Frames are painted by the engine's workers, a few ahead of those who take
    them; many sessions share an engine. Between utterances, `idle` gives frames of the mouth at rest.

    Memory does not grow with the session's age: painted frames, windows and audio that wait are bounded.
    """

    def __init__(
        self,
        renderer: FrameRenderer,
        engine: Engine,
        front_end: AudioFrontEnd | None = None,
        *,
        steady: bool = False,
        start_frame: int = 0,
        first: int = 0,
        bound: float = BOUND,
        times: StageTimes | None = None,
    ) -> None:
        """front_end: turns audio into windows; without it only windows can be said, see `say`.

        steady: whether the mouth is made steadier, see `face.steady`; frames come one later then.
        start_frame: how many frames later the template is entered. first: the number of the session's first frame.
        bound: seconds of audio at which `push` waits until frames are taken.

        Raises OptionError for a `start_frame` that does not exist.
        """
        renderer.template.shown(first, start_frame, renderer.loop)
        self._renderer, self._engine, self._front_end = renderer, engine, front_end
        self._start_frame, self._bound, self._times = start_frame, bound, times or StageTimes()
        self.steady = steady
        self._number = self._shown = first  # of the next frame that is begun, and of the next that is given
        self._rate = renderer.generator.spec.audio.fps
        self._began: float | None = None  # when frame 0 of what is said was due, for live use
        self._finished = False  # nothing may be pushed any more
        self._changed = threading.Condition(threading.RLock())
        self._utterance = self._new_utterance()

    def _new_utterance(self) -> Utterance:
        steadier = Steadier(self._renderer.generator.spec.face) if self.steady else None
        return Utterance(None if self._front_end is None else self._front_end.begin(), steadier)

    def push(self, samples: npt.NDArray[np.float32]) -> None:
        """Say mono samples (k,) float32 at 16 kHz, any k, after what was pushed before.

        Returns at once, or waits while more than `bound` seconds of audio wait for their frames to be taken.

        Raises AudioError for samples of another shape or type, or that are not finite; SessionError after `finish`;
        OptionError without an audio program.
        """
        if self._utterance.audio is None:
            raise OptionError("this avatar has no audio encoder; live speech needs one")
        if samples.ndim != 1 or samples.dtype != np.float32 or not np.isfinite(samples).all():
            raise AudioError(
                f"{samples.dtype} samples of shape {samples.shape}; expected mono samples (k,) float32, all finite"
            )
        with self._changed:
            self._check_open()
            current = self._utterance
            self._changed.wait_for(
                lambda: self._finished or self._utterance is not current or current.waiting(self._rate) < self._bound
            )
            self._check_open()
            if self._utterance is not current:  # interrupted meanwhile: what was pushed before it is not said
                return
            if self._began is None:
                self._began = time.monotonic() - self._number / self._rate
            self._utterance.pushed += len(samples)
            self._utterance.pieces.append(samples.copy())
            self._encode_audio()

    def finish(self) -> None:
        """End the speech: the frames that are missing follow, so that video and audio are of one length.

        Returns at once. Raises AudioError when there was no audio at all, SessionError when it is ended already.
        """
        with self._changed:
            self._check_open()
            if not self._utterance.pushed:
                raise AudioError("the audio holds no samples; give at least one")
            self._finished = self._utterance.ending = True
            self._encode_audio()
            self._changed.notify_all()

    def interrupt(self) -> float:
        """Say nothing more of what was pushed: frames that nobody has taken are dropped, and speech may begin anew.

        The mouth closes over the next `FADE` frames of `idle`. Returns the seconds of the speech whose frames were
        given. Raises SessionError after `finish` and the last frame.
        """
        with self._changed:
            if self._finished and not self._utterance.pending():
                raise SessionError("the session is finished; begin a new one")
            position = self._utterance.given / self._rate
            self._begin_anew()
            return position

    def _begin_anew(self) -> None:
        """Forget what is said, let the mouth close, and be ready for another utterance."""
        self._number = self._shown  # the template goes on from the last frame that was given
        for _, task in self._utterance.rendering:
            task.cancel()
        utterance, self._utterance = self._utterance, self._new_utterance()
        self._utterance.close_mouth_of(utterance)
        self._began, self._finished = None, False
        self._changed.notify_all()

    def frames(self) -> Frames:
        """The frames (H, W, 3) uint8 BGR in order, each waited for; ends after `finish` and the last one.

        Raises what painting them raises.
        """
        while (frame := self._next(wait=True)) is not None:
            yield frame

    def ready(self) -> list[Frame]:
        """The frames that are painted, without waiting; perhaps none. Raises what painting them raises."""
        found = []
        while (frame := self._next(wait=False)) is not None:
            found.append(frame)
        return found

    def idle(self) -> Frame:
        """The next frame (H, W, 3) uint8 BGR of the template with the mouth at rest; after `interrupt`, as it closes.

        Raises SessionError while frames of a speech are to come, OptionError where nothing tells how the mouth rests.
        """
        with self._changed:
            if self._utterance.pending():
                raise SessionError("frames of the speech are still to come; take those, or interrupt it")
            window = self._utterance.idle_window(self._rest())
            number, self._number = self._number, self._number + 1
            self._shown += 1
        return self._engine.wait(self._engine.submit(partial(self._make, number, window), time.monotonic()))

    def _rest(self) -> Window:
        if self._front_end is None or self._front_end.rest is None:
            raise OptionError("this avatar has no window of a mouth at rest; it cannot idle")
        return self._front_end.rest

    def say(self, windows: Iterable[Window]) -> Frames:
        """One frame (H, W, 3) uint8 BGR for each window (16, F), and the end of the session; what files go through.

        Windows are asked for a few at a time, in a thread of their own. Raises what they and painting raise.
        """
        failed: Exception | None = None
        with closing(prefetch(self._times.iterate("features", iter(windows)))) as coming:
            try:
                while True:
                    try:
                        window = next(coming)
                    except StopIteration:
                        break
                    except Exception as error:  # raised after the frames before it
                        failed = error
                        break
                    with self._changed:
                        self._utterance.windows.append(window)
                        self._fill()
                    while len(self._utterance.rendering) + len(self._utterance.windows) > self._ahead:
                        if (frame := self._next(wait=True)) is not None:
                            yield frame
                self._utterance.ending = self._utterance.ended = self._finished = True
                yield from self.frames()
            finally:
                with self._changed:
                    for _, task in self._utterance.rendering:
                        task.cancel()
        if failed is not None:
            raise failed

    @property
    def _ahead(self) -> int:
        return self._engine.workers + AHEAD if self._engine.workers else 1

    def _check_open(self) -> None:
        if self._finished:
            raise SessionError("the session is finished; nothing more can be said in it, begin a new one")

    def _encode_audio(self) -> None:
        """Have the pieces turned into windows, in order, by one task at a time."""
        utterance = self._utterance
        if utterance.encoding is None:
            deadline = WHENEVER if self._began is None else self._began + self._number / self._rate
            utterance.encoding = self._engine.submit(lambda: self._encode_pieces(utterance), deadline)
            if not self._engine.workers:
                self._engine.wait(utterance.encoding)

    def _encode_pieces(self, utterance: Utterance) -> None:
        assert utterance.audio is not None  # else nothing was pushed
        while True:
            with self._changed:
                ends = not utterance.pieces
                if self._utterance is not utterance or (ends and (utterance.ended or not utterance.ending)):
                    utterance.encoding = None
                    self._changed.notify_all()
                    return
                piece = None if ends else utterance.pieces.popleft()
            failed, windows = None, []
            try:
                with self._times.measure("features"):
                    windows = utterance.audio.flush() if piece is None else utterance.audio.push(piece)
            except BaseException as error:  # raised where frames are taken
                failed = error
            with self._changed:
                utterance.failed, utterance.ended = failed, ends or failed is not None
                utterance.windows += windows
                if self._utterance is utterance:
                    self._fill()
                self._changed.notify_all()

    def _fill(self) -> None:
        """Let the workers paint as many frames ahead as they may."""
        while self._utterance.windows and len(self._utterance.rendering) < self._ahead:
            window = self._utterance.windows.popleft()
            number, self._number = self._number, self._number + 1
            deadline = WHENEVER if self._began is None else self._began + number / self._rate
            work: Callable[[int, Window], RenderedFrame | Frame] = self._render if self.steady else self._make
            task = self._engine.submit(partial(work, number, window), deadline)
            task.add_done_callback(self._notify)
            self._utterance.rendering.append((window, task))

    def _next(self, *, wait: bool) -> Frame | None:
        """The next frame; None when there is none any more, or, where nobody waits, none yet."""
        while True:
            with self._changed:
                if self._utterance.complete:
                    self._utterance.given += 1
                    self._shown += 1
                    self._changed.notify_all()
                    return self._utterance.complete.popleft()
                if self._utterance.rendering:
                    head = self._utterance.rendering[0]
                    if not wait and self._engine.workers and not head[1].done():
                        return None
                elif self._utterance.failed is not None:
                    raise self._utterance.failed
                elif self._utterance.ended:
                    if not self._utterance.end(self._times):
                        return None
                    continue
                elif not wait:
                    return None
                else:
                    self._changed.wait()
                    continue
            self._collect(*head)

    def _collect(self, window: Window, task: Task[RenderedFrame | Frame]) -> None:
        """Wait for the task that was begun first and take what comes of it."""
        try:
            rendered = self._engine.wait(task)
        except CancelledError:
            rendered = None
        with self._changed:
            rendering = self._utterance.rendering
            if rendered is not None and rendering and rendering[0][1] is task:  # not interrupted
                rendering.popleft()
                self._fill()
                self._utterance.add(window, rendered, self._times)

    def _notify(self, _: object) -> None:
        with self._changed:
            self._changed.notify_all()

    def _render(self, number: int, window: Window) -> RenderedFrame:
        return self._renderer.render(number, window, self._start_frame, self._times)

    def _make(self, number: int, window: Window) -> Frame:
        return self._renderer.make(number, window, self._start_frame, self._times)
