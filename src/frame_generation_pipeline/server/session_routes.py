"""`/v1/sessions`: begin, look at and end live sessions, and have them say an audio file."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.media.audio_encoder import read_audio
from frame_generation_pipeline.server.catalogue import PRESENTER_ID
from frame_generation_pipeline.server.live_encoder import AUDIO_RATE
from frame_generation_pipeline.server.live_session import LiveSession
from frame_generation_pipeline.server.live_text import say_text
from frame_generation_pipeline.server.problems import Problem, problems
from frame_generation_pipeline.server.service import ClientOf, ServiceOf
from frame_generation_pipeline.server.utterance_audio import UtteranceAudio
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.template.loop import Loop

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])


class StyleBody(BaseModel):
    """How the frames look, see docs/look.md."""

    model_config = {"extra": "forbid"}

    blend: Literal["feathered", "reference"] | None = None
    loop: Literal["pingpong", "crossfade"] = "pingpong"


class SessionBody(BaseModel):
    """Who shall speak."""

    model_config = {"extra": "forbid"}

    avatar: str = PRESENTER_ID
    style: StyleBody = StyleBody()


class IceServerView(BaseModel):
    """What a browser's `RTCPeerConnection` takes as one of its `iceServers`."""

    urls: str
    username: str | None = None
    credential: str | None = None


class SessionView(BaseModel):
    """A session. `token` is good for this session alone; it and `ice_servers` are shown once."""

    id: str
    avatar: str
    state: str
    width: int
    height: int
    fps: int
    token: str | None = None
    ice_servers: list[IceServerView] | None = None


class SessionsView(BaseModel):
    """Sessions that the client may use."""

    sessions: list[SessionView]


class UtteranceView(BaseModel):
    """The utterance that an audio file becomes."""

    event_id: str
    seconds: float


@router.post("", status_code=201, responses=problems(400, 403, 404, 429, 503))
def begin_session(service: ServiceOf, client: ClientOf, body: SessionBody | None = None) -> SessionView:
    """Begin a session; 503 with Retry-After where the machine cannot carry another one."""
    body = body or SessionBody()
    style = Style(body.style.blend, loop=Loop(body.style.loop))
    session = service.sessions.create(client, body.avatar, style)
    servers = [
        IceServerView(urls=each.url, username=each.username, credential=each.credential)
        for each in service.settings.ice_servers
    ]
    return _view(session).model_copy(update={"token": session.token, "ice_servers": servers})


@router.get("")
def list_sessions(service: ServiceOf, client: ClientOf) -> SessionsView:
    """List the client's sessions."""
    return SessionsView(sessions=[_view(session) for session in service.sessions.of_client(client)])


@router.get("/{session_id}", responses=problems(404))
def get_session(session_id: str, service: ServiceOf, client: ClientOf) -> SessionView:
    """Look at a session."""
    return _view(service.sessions.get(client, session_id))


@router.delete("/{session_id}", status_code=204, responses=problems(404))
def end_session(session_id: str, service: ServiceOf, client: ClientOf) -> Response:
    """End a session."""
    service.sessions.end(service.sessions.get(client, session_id), "asked for")
    return Response(status_code=204)


@router.post("/{session_id}/interrupt", status_code=204, responses=problems(404))
def interrupt(session_id: str, service: ServiceOf, client: ClientOf) -> Response:
    """Say nothing more of what waits to be said."""
    service.sessions.get(client, session_id).interrupt()
    return Response(status_code=204)


@router.post(
    "/{session_id}/speak",
    status_code=202,
    responses=problems(400, 404, 410, 413, 429),
    openapi_extra={
        "requestBody": {"required": True, "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def speak_file(session_id: str, request: Request, service: ServiceOf, client: ClientOf) -> UtteranceView:
    """Say an audio file, the body, of any kind that FFmpeg reads; after what is being said."""
    session = service.sessions.get(client, session_id)
    with tempfile.TemporaryDirectory(prefix="framegen-") as folder:
        path = Path(folder) / "audio"
        with path.open("wb") as file:
            async for piece in request.stream():
                file.write(piece)
        return await asyncio.to_thread(_say, session, path, service.settings.limits.audio)


class TextBody(BaseModel):
    """The text that shall be said."""

    model_config = {"extra": "forbid"}

    text: str


class SpokenTextView(BaseModel):
    """The utterance that a text becomes."""

    event_id: str


@router.post("/{session_id}/say", status_code=202, responses=problems(400, 404, 410, 413, 429))
def say(session_id: str, body: TextBody, service: ServiceOf, client: ClientOf) -> SpokenTextView:
    """Say a text with the server's voice; after what is being said."""
    session = service.sessions.get(client, session_id)
    return SpokenTextView(event_id=say_text(session, service.voice, body.text, service.settings.limits.audio).event_id)


def _say(session: LiveSession, path: Path, longest: float) -> UtteranceView:
    pieces, samples = [], 0
    try:
        for piece in read_audio(path, AUDIO_RATE, "mono"):
            samples += len(piece)
            if samples > longest * AUDIO_RATE:
                raise Problem(413, "too_long", f"the audio lasts longer than {longest:g} s")
            pieces.append((piece.clip(-1, 1) * 32767).astype("<i2").tobytes())
    except AudioError as error:
        raise Problem(400, "bad_audio", str(error).replace(str(path), "the audio")) from error
    utterance: UtteranceAudio = session.begin(AUDIO_RATE, longest)
    utterance.push(b"".join(pieces))
    utterance.end()
    session.wake()
    return UtteranceView(event_id=utterance.event_id, seconds=samples / AUDIO_RATE)


def _view(session: LiveSession) -> SessionView:
    width, height = session.size
    return SessionView(
        id=session.id, avatar=session.avatar_id, state=session.state, width=width, height=height, fps=session.fps
    )
