"""A live session: one thread that keeps the clock, from audio that clients send to what viewers are sent."""

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic, thread_time
from typing import Any, Protocol

import numpy as np

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import FrameGenerationError
from frame_generation_pipeline.server.live_encoder import AUDIO_RATE, Encoded, LiveEncoder
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.utterance_audio import Samples, UtteranceAudio
from frame_generation_pipeline.speaking.conversation import Conversation, Tick

logger = logging.getLogger(__name__)

AHEAD = 2.0  # seconds of audio that the conversation is given before their time
BEHIND = 1.0  # seconds behind its clock at which a session leaves time out, rather than catch up
NEWEST = 0.1  # weight of the newest tick in the mean of what a tick costs
RECENT = 0.01  # the same for whether it was late
MOST_QUEUED = 32  # utterances
IDLE, SPEAKING, ENDED = "idle", "speaking", "ended"  # states

Event = Mapping[str, Any]  # a message to clients
Listener = Callable[[Event], None]  # is called in any thread


class Viewer(Protocol):
    """Receives what a session shows and says."""

    def take(self, encoded: Encoded, encoder: LiveEncoder) -> None:
        """Called in the session's thread for every tick, with the encoder that it is from; returns at once."""


class LiveSession:
    """One person who is spoken with. Any thread may call anything."""

    def __init__(self, owner: str, avatar_id: str, conversation: Conversation, size: tuple[int, int], fps: int) -> None:
        """owner: the client's name. size, fps: of the frames."""
        self.id, self.token = secrets.token_urlsafe(12), secrets.token_urlsafe(32)
        self.owner, self.avatar_id, self.size, self.fps = owner, avatar_id, size, fps
        self.last_asked = self.last_seen = monotonic()  # when somebody sent something, and when somebody was connected
        self.connections = 0
        self.ticks = self.late = 0  # frames that were due, and those that were not painted by then
        self.lateness = 0.0  # share of late frames among the last hundred or so
        self.behind = 0.0  # seconds that the clock's last tick came late
        self.cost = 0.0  # seconds of one core that a tick takes beside painting
        self.state = IDLE
        self._conversation = conversation
        self._encoder: LiveEncoder | None = None
        self._viewers: dict[Viewer, bool] = {}  # whether each has had its first tick
        self._listeners: list[Listener] = []
        self._utterances: deque[UtteranceAudio] = deque()  # the first one is said
        self._shown: Frame | None = None
        self._interruptions = self._keyed = 0  # and those of them that a key frame followed
        self._changed = threading.Condition(threading.RLock())
        self._thread = threading.Thread(target=self._run, name=f"session {self.id[:4]}", daemon=True)
        self._thread.start()

    def begin(self, rate: int, longest: float, event_id: str | None = None, text: str | None = None) -> UtteranceAudio:
        """An utterance to push PCM16 to, which is said after those before it; wake the session with `wake`.

        rate: Hz, 8,000 to 48,000. longest: seconds of it that may wait. text: what is said, for captions.
        Raises Problem.
        """
        utterance = UtteranceAudio(event_id or secrets.token_hex(8), rate, longest, text)
        with self._changed:
            if self.state == ENDED:
                raise Problem(410, "ended", "the session has ended; begin a new one")
            if len(self._utterances) >= MOST_QUEUED:
                raise Problem(429, "too_many_utterances", f"{MOST_QUEUED} utterances wait to be said")
            self._utterances.append(utterance)
        return utterance

    def wake(self) -> None:
        """Tell that an utterance has more audio, or has ended."""
        self.last_asked = monotonic()
        with self._changed:
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Say nothing more of any utterance."""
        with self._changed:
            self.last_asked = monotonic()
            self._interruptions += 1
            self._conversation.interrupt()
            for utterance in self._utterances:
                utterance.drop()
                self._tell_end(utterance, interrupted=True)
            self._utterances.clear()
            self._set_state(IDLE)

    def tell_problem(self, code: str, message: str) -> None:
        """Tell clients what went wrong with something that they asked for before."""
        with self._changed:
            self._tell({"type": "error", "code": code, "message": message})

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of all events, the present state first."""
        with self._changed:
            self._listeners.append(listener)
            listener(self._state_event())

    def watch(self, viewer: Viewer) -> None:
        """Send `viewer` everything from now on; its first image is a key frame."""
        with self._changed:
            self._viewers[viewer] = False

    def leave(self, *, listener: Listener | None = None, viewer: Viewer | None = None) -> None:
        """Undo `listen` or `watch`."""
        with self._changed:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if viewer is not None:
                self._viewers.pop(viewer, None)

    def connect(self, step: int) -> None:
        """Count a connection (1) that opens, or (-1) that closes."""
        with self._changed:
            self.connections += step
            self.last_seen = monotonic()

    @property
    def waiting(self) -> int:
        """The number of utterances that are said or wait."""
        return len(self._utterances)

    @property
    def is_alive(self) -> bool:
        """Whether its clock runs."""
        return self._thread.is_alive()

    def close(self, reason: str) -> None:
        """End the session; clients are told why."""
        with self._changed:
            if self.state == ENDED:
                return
            if self._utterances:
                self.interrupt()
            self.state = ENDED
            self._tell({**self._state_event(), "reason": reason})
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        started, number = monotonic(), 0
        try:
            while self.state != ENDED:
                due = started + number / self.fps
                self._feed()
                with self._changed:
                    left = due - monotonic()
                    if left > 0:
                        self._changed.wait(left)
                        continue
                self.behind = -left
                if -left > BEHIND:  # the machine slept, or was very busy
                    started -= left
                self._step()
                number += 1
        except Exception:
            logger.exception("a session ended")
            self.close("error")
        finally:
            if self._encoder is not None:
                self._encoder.close()

    def _feed(self) -> None:
        """Give the conversation audio, as far as it is worked ahead."""
        with self._changed:
            if not self._utterances:
                return
            utterance = self._utterances[0]
            while self._conversation.waiting < AHEAD and (piece := utterance.mouth()) is not None:
                if len(piece):
                    self._conversation.push(piece)
            if (piece := utterance.last_of_mouth()) is not None:
                if len(piece):
                    self._conversation.push(piece)
                if self._conversation.waiting > 0:
                    self._conversation.finish()
                else:  # it had no audio at all
                    self._tell_end(self._utterances.popleft(), interrupted=False)

    def _step(self) -> None:
        """One tick of the clock."""
        cpu = thread_time()
        with self._changed:
            tick, samples = self._next_tick()
            interruptions = self._interruptions
            viewers, key = list(self._viewers), not all(self._viewers.values()) or self._keyed < interruptions
            self._viewers = dict.fromkeys(viewers, True)
        self.ticks += 1
        self.late += tick.late
        self.lateness += RECENT * (tick.late - self.lateness)
        if tick.frame is not None:
            self._shown = tick.frame
        if not viewers:
            if self._encoder is not None:
                self._encoder.close()
                self._encoder = None
            return
        if self._shown is None:  # the very first frame is being painted
            with self._changed:
                self._viewers = dict.fromkeys(self._viewers, False)
            return
        frame = tick.frame
        if self._encoder is None:
            self._encoder, frame = LiveEncoder(self.size, self.fps), self._shown
        encoded = self._encoder.encode(frame, samples, key=key)
        self._keyed = interruptions
        with self._changed:
            if self._interruptions > interruptions:  # meanwhile: nothing of it is sent any more
                encoded.opus.clear()
            for viewer in viewers:
                viewer.take(encoded, self._encoder)
        self.cost += NEWEST * (thread_time() - cpu - self.cost)

    def _next_tick(self) -> tuple[Tick, Samples]:
        count = AUDIO_RATE // self.fps
        try:
            tick = self._conversation.tick()
        except FrameGenerationError as error:
            self._tell({"type": "error", "code": "failed", "message": str(error)})
            self.interrupt()
            tick = Tick(None)
        utterance = self._utterances[0] if self._utterances else None
        samples = np.zeros(count, np.float32)
        if utterance is not None and tick.utterance_frame is not None:
            samples = utterance.ear(count)
            utterance.frames += 1
            if utterance.frames == 1:
                self._set_state(SPEAKING)
                text = {} if utterance.text is None else {"text": utterance.text}
                self._tell({"type": "agent.speak_started", "event_id": utterance.event_id, **text})
        if utterance is not None and tick.over:
            self._utterances.popleft()
            samples = utterance.ear(count)  # less than half a frame of audio may be left
            self._tell_end(utterance, interrupted=False)
            self._set_state(IDLE)
        return tick, samples

    def _tell_end(self, utterance: UtteranceAudio, *, interrupted: bool) -> None:
        self._tell(
            {
                "type": "agent.speak_ended",
                "event_id": utterance.event_id,
                "playback_position": utterance.frames / self.fps,
                "interrupted": interrupted,
            }
        )

    def _set_state(self, state: str) -> None:
        if self.state not in (state, ENDED):
            self.state = state
            self._tell(self._state_event())

    def _state_event(self) -> dict[str, Any]:
        return {"type": "session.state_updated", "session_id": self.id, "state": self.state}

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            listener(event)
