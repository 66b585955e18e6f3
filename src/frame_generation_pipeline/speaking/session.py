"""Audio in, frames out: the session that serves files and live use alike."""

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

Frames = Generator[Frame, None, None]  # closing it ends the work behind it

AHEAD = 4  # frames that are rendered before anybody takes them, in addition to one for each worker
RESERVE = 10  # frames; windows are computed by so much before they are needed
BOUND = 30.0  # seconds of audio whose frames nobody has taken; `push` waits at this limit


class Session:
    """Turns pushed audio into frames; the frames are the same bits however the audio is cut into pieces.

    One thread may push while another one takes frames. The engine's workers render frames a little ahead; many
    sessions share an engine. Between utterances, `idle` gives frames with the mouth at rest.

    Memory does not grow with the session's age: the numbers of waiting frames, windows and samples are bounded.
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
        """front_end: turns audio into windows; None if the session only says windows, see `say`.

        steady: reduce the flicker of the mouth, see `face.steady`; frames then come one frame later.
        start_frame: how many frames later the template begins. first: the number of the session's first frame.
        bound: seconds of audio whose frames wait to be taken, at which `push` waits.

        Raises OptionError for a `start_frame` that does not exist.
        """
        renderer.template.shown(first, start_frame, renderer.loop)
        self._renderer, self._engine, self._front_end = renderer, engine, front_end
        self._start_frame, self._bound, self._times = start_frame, bound, times or StageTimes()
        self.steady = steady
        self._number = self._shown = first  # number of the next frame to begin, and of the next to give
        self._rate = renderer.generator.spec.audio.fps
        self._began: float | None = None  # time at which frame 0 was due, for live use
        self._finished = False  # whether the audio has ended
        self._changed = threading.Condition(threading.RLock())
        self._utterance = self._new_utterance()

    def _new_utterance(self) -> Utterance:
        steadier = Steadier(self._renderer.generator.spec.face) if self.steady else None
        return Utterance(None if self._front_end is None else self._front_end.begin(), steadier)

    def push(self, samples: npt.NDArray[np.float32]) -> None:
        """Append mono samples (k,) float32 at 16 kHz, any k, to the speech.

        Returns at once, unless `bound` seconds of audio wait for their frames to be taken; then it waits too.

        Raises AudioError for samples of another shape or type and for values that are not finite; SessionError after
        `finish`; OptionError without an audio program.
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
            if self._utterance is not current:  # interrupted meanwhile: these samples came before it
                return
            if self._began is None:
                self._began = time.monotonic() - self._number / self._rate
            self._utterance.pushed += len(samples)
            self._utterance.pieces.append(samples.copy())
            self._encode_audio()

    def finish(self) -> None:
        """End the speech: its remaining frames follow, so that video and audio have the same length.

        Returns at once. Raises AudioError if there was no audio, SessionError if the speech has ended already.
        """
        with self._changed:
            self._check_open()
            if not self._utterance.pushed:
                raise AudioError("the audio holds no samples; give at least one")
            self._finished = self._utterance.ending = True
            self._encode_audio()
            self._changed.notify_all()

    def interrupt(self) -> float:
        """Drop the frames that nobody has taken; another speech may begin at once.

        The mouth closes over the next `FADE` frames of `idle`. Returns how many seconds of the speech were taken as
        frames. Raises SessionError after `finish` and the last frame.
        """
        with self._changed:
            if self._finished and not self._utterance.pending():
                raise SessionError("the session is finished; begin a new one")
            position = self._utterance.given / self._rate
            self._begin_anew()
            return position

    def _begin_anew(self) -> None:
        """Drop the utterance, let the mouth close, and be ready for another one."""
        self._number = self._shown  # the template goes on after the last frame that was taken
        for _, task in self._utterance.rendering:
            task.cancel()
        utterance, self._utterance = self._utterance, self._new_utterance()
        self._utterance.close_mouth_of(utterance)
        self._began, self._finished = None, False
        self._changed.notify_all()

    def frames(self) -> Frames:
        """Yield the frames (H, W, 3) uint8 BGR in order, waiting for each; ends with the last one after `finish`.

        Raises the errors of the audio program and of rendering.
        """
        while (frame := self._next(wait=True)) is not None:
            yield frame

    def ready(self) -> list[Frame]:
        """Return the frames that are complete, perhaps none, without waiting. Raises as `frames` does."""
        frames = []
        while (frame := self._next(wait=False)) is not None:
            frames.append(frame)
        return frames

    def idle(self) -> Frame:
        """Render the next frame (H, W, 3) uint8 BGR with the mouth at rest, or closing after `interrupt`.

        Raises SessionError while frames of a speech are to come, OptionError without a window of a mouth at rest.
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
        """Yield a frame (H, W, 3) uint8 BGR for each window (16, F), then end the session; files are made this way.

        A thread of its own reads the windows, a few ahead. Raises the errors of the windows and of rendering.
        """
        failed: Exception | None = None
        with closing(prefetch(self._times.iterate("features", iter(windows)))) as coming:
            try:
                while True:
                    try:
                        window = next(coming)
                    except StopIteration:
                        break
                    except Exception as error:  # raised after the frames that come before it
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
        """Submit the task that turns the pieces into windows; one at a time, by when their first frame is due."""
        utterance = self._utterance
        if utterance.encoding is None:
            number = self._number + len(utterance.windows) - RESERVE
            deadline = WHENEVER if self._began is None else self._began + number / self._rate
            utterance.encoding = self._engine.submit(lambda: self._encode_pieces(utterance), deadline)
            if not self._engine.workers:
                self._engine.wait(utterance.encoding)

    def _encode_pieces(self, utterance: Utterance) -> None:
        while True:
            with self._changed:
                ends = not utterance.pieces
                if self._utterance is not utterance or (ends and (utterance.ended or not utterance.ending)):
                    utterance.encoding = None
                    self._changed.notify_all()
                    return
                piece = None if ends else utterance.pieces.popleft()
            windows, failed = utterance.encode(piece, self._times)
            with self._changed:
                utterance.failed, utterance.ended = failed, ends or failed is not None
                utterance.windows += windows
                if self._utterance is utterance:
                    self._fill()
                self._changed.notify_all()
                if windows and not ends and self._utterance is utterance and self._engine.workers:
                    utterance.encoding = None  # frames that are due before the next windows come first
                    self._encode_audio()
                    return

    def _fill(self) -> None:
        """Submit windows to the workers, up to the number of frames that may be rendered ahead."""
        while self._utterance.windows and len(self._utterance.rendering) < self._ahead:
            window = self._utterance.windows.popleft()
            number, self._number = self._number, self._number + 1
            deadline = WHENEVER if self._began is None else self._began + number / self._rate
            work: Callable[[int, Window], RenderedFrame | Frame] = self._render if self.steady else self._make
            task = self._engine.submit(partial(work, number, window), deadline)
            task.add_done_callback(self._notify)
            self._utterance.rendering.append((window, task))

    def _next(self, *, wait: bool) -> Frame | None:
        """The next frame; None after the last one, and without `wait` also if the next one is not complete yet."""
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
        """Wait for the oldest task and take its result."""
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
