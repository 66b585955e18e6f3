"""All live sessions: who may begin another one, to whom they belong, and when they end."""

import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.server.live_renderer import LiveRenderer, Room
from frame_generation_pipeline.server.live_session import LiveSession
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.tokens import Client, same_secret
from frame_generation_pipeline.speaking.conversation import Conversation
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.speaking.style import Style

MOST_KEPT = 256 * 2**20  # bytes of frames at rest
CARRIED = 0.95  # of the cores' time, that sessions may need if all of them speak
ENCODING = 0.01  # seconds of one core for a tick of a session that has not been measured yet
LATE = 0.1  # share of late frames, lately, at which the machine is full, whatever the sum says
RETRY = {"retry-after": "10"}  # seconds


class Sessions:
    """Live sessions by their ids. Any thread may ask."""

    def __init__(self, settings: ServerSettings, load: Callable[[str], Avatar], engine: Engine) -> None:
        """load: an avatar by its id."""
        self._settings, self._load, self._engine = settings, load, engine
        self._room = Room(MOST_KEPT)
        self._renderers: dict[tuple[str, Style], LiveRenderer] = {}
        self._sessions: dict[str, LiveSession] = {}
        self._renderer_of: dict[str, LiveRenderer] = {}  # by the session's id
        self._lock = threading.RLock()
        self.refused = 0  # sessions that the machine could not carry
        self.begun = 0
        self._ticks = self._late = 0  # of sessions that have ended

    def prepare(self, avatar_id: str) -> None:
        """Load an avatar and have its frames at rest painted, so that its first session need not wait for them."""
        avatar = self._load(avatar_id)
        with self._lock:
            self._renderer(avatar_id, avatar, Style())

    def create(self, client: Client, avatar_id: str, style: Style) -> LiveSession:
        """A new session, whose first frames are being painted; loads the avatar where it is not loaded yet.

        Raises Problem: 404 for an unknown avatar, 429 where the client has too many, 503 where the machine is full.
        """
        if client.session is not None:
            raise Problem(403, "session_token", "this token is good for one session alone")
        avatar = self._load(avatar_id)
        with self._lock:
            own = sum(session.owner == client.name for session in self._sessions.values())
            if own >= self._settings.limits.sessions:
                raise Problem(429, "too_many_sessions", f"this token has {own} sessions; end one of them", RETRY)
            renderer = self._renderer(avatar_id, avatar, style)
            self._check_capacity(renderer)
            conversation = Conversation(renderer, self._engine, avatar.front_end)
            fps = avatar.generator.spec.audio.fps
            session = LiveSession(client.name, avatar_id, conversation, renderer.size, fps)
            self._sessions[session.id], self._renderer_of[session.id] = session, renderer
            self.begun += 1
            return session

    def get(self, client: Client, session_id: str) -> LiveSession:
        """A session that is the client's. Raises Problem 404 for others, as for those that do not exist."""
        session = self._sessions.get(session_id)
        if session is None or not _is_of(session, client):
            raise Problem(404, "no_such_session", "there is no such session; it may have ended")
        return session

    def of_client(self, client: Client) -> list[LiveSession]:
        """The sessions that the client may ask for."""
        return [session for session in self.all() if _is_of(session, client)]

    def all(self) -> list[LiveSession]:
        """The sessions of all clients."""
        return list(self._sessions.values())

    def ticks(self) -> tuple[int, int]:
        """Frames so far that were due, and those of them that were late."""
        sessions = self.all()
        return (
            self._ticks + sum(session.ticks for session in sessions),
            self._late + sum(session.late for session in sessions),
        )

    @property
    def frames_at_rest(self) -> int:
        """Frames of mouths at rest that are kept."""
        return sum(renderer.frames_at_rest for renderer in list(self._renderers.values()))

    def client_of_token(self, token: str) -> Client | None:
        """The client for whom a session's own token stands; every token is compared, each in constant time."""
        found = None
        for session in list(self._sessions.values()):
            if same_secret(token, session.token):
                found = Client(session.owner, session.id)
        return found

    def end(self, session: LiveSession, reason: str) -> None:
        """End a session; waits for its thread."""
        with self._lock:
            if self._sessions.pop(session.id, None) is None:
                return
            del self._renderer_of[session.id]
        session.close(reason)
        self._ticks, self._late = self._ticks + session.ticks, self._late + session.late

    def sweep(self) -> None:
        """End sessions to which nobody is connected any more, or nobody has sent anything for long."""
        limits, now = self._settings.limits, monotonic()
        for session in self.all():
            if not session.connections and now - session.last_seen > limits.absence:
                self.end(session, "nobody is connected")
            elif not session.waiting and now - session.last_asked > limits.idle:
                self.end(session, "nothing was sent")
            elif not session.is_alive:
                self.end(session, "error")

    @property
    def need_all(self) -> bool:
        """Whether frames of a session were late lately, so that nothing else shall be done on this machine."""
        return any(session.lateness > LATE / 2 for session in self.all())

    def close(self) -> None:
        """End all sessions."""
        for session in self.all():
            self.end(session, "the server ends")

    def _renderer(self, avatar_id: str, avatar: Avatar, style: Style) -> LiveRenderer:
        """The renderer that all sessions of an avatar in a style share."""
        key = (avatar_id, style)
        if key not in self._renderers:
            styled = replace(avatar, style=replace(style, blend=style.blend or avatar.style.blend))
            renderer = LiveRenderer.of(styled, self._settings.live_size, self._room)
            for window in (renderer.rest, renderer.rest.copy()):  # the second is rendered with its face kept
                renderer.make(0, window, 0, renderer.NO_TIMES)  # what that costs is known then
            renderer.keep_all(self._engine)
            self._renderers[key] = renderer
        return self._renderers[key]

    def _check_capacity(self, renderer: LiveRenderer) -> None:
        """Raise Problem 503 where a session more would not be carried if all spoke; the first one always is."""
        if not self._sessions:
            return
        cores = self._settings.runtime.threads or available_cores()
        needed = 0.0
        for session in self.all():
            needed += session.fps * (self._renderer_of[session.id].cost + (session.cost or ENCODING))
        needed += renderer.generator.spec.audio.fps * (renderer.cost + ENCODING)
        if needed > CARRIED * cores or max(session.lateness for session in self.all()) > LATE:
            self.refused += 1
            raise Problem(503, "full", f"no session more can be carried; {len(self._sessions)} run already", RETRY)


def _is_of(session: LiveSession, client: Client) -> bool:
    return session.owner == client.name if client.session is None else client.session == session.id
