"""`/v1/sessions/{id}/whep` and `/whip`: WebRTC, by the exchange of SDP that WHEP and WHIP (RFC 9725) define."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from frame_generation_pipeline.server.live_session import LiveSession
from frame_generation_pipeline.server.problems import Problem, problems
from frame_generation_pipeline.server.service import ClientOf, Service, ServiceOf

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["webrtc"])

SDP, TRICKLE = "application/sdp", "application/trickle-ice-sdpfrag"
MOST_SDP = 64 * 1024  # bytes
OFFER: dict[str, Any] = {"requestBody": {"required": True, "content": {SDP: {"schema": {"type": "string"}}}}}
ANSWER: dict[int | str, dict[str, Any]] = {
    201: {"description": "The answer", "content": {SDP: {"schema": {"type": "string"}}}}
}
_takes_offer = partial(
    router.post,
    status_code=201,
    response_class=Response,
    responses={**problems(400, 404, 413, 415, 429), **ANSWER},
    openapi_extra=OFFER,
)


@_takes_offer("/whep")
async def watch(session_id: str, request: Request, service: ServiceOf, client: ClientOf) -> Response:
    """Send a session's video (H.264) and audio (Opus) to the peer whose SDP offer is the body."""
    session = service.sessions.get(client, session_id)
    offer = await _body(request, SDP)
    return await _created(service, session, "whep", service.peers.watch(session, offer))


@_takes_offer("/whip")
async def talk(session_id: str, request: Request, service: ServiceOf, client: ClientOf) -> Response:
    """Have a session say what the peer whose SDP offer is the body sends: a microphone, by Opus."""
    session = service.sessions.get(client, session_id)
    offer = await _body(request, SDP)
    return await _created(service, session, "whip", service.peers.talk(session, offer, service.settings.limits.audio))


@router.patch("/{way}/{peer_id}", status_code=204, responses=problems(400, 404, 413, 415))
async def trickle(
    session_id: str, way: str, peer_id: str, request: Request, service: ServiceOf, client: ClientOf
) -> Response:
    """Add ICE candidates of the peer, an SDP fragment (RFC 8840)."""
    peer = service.peers.get(service.sessions.get(client, session_id), peer_id)
    await peer.add_candidates(await _body(request, TRICKLE))
    return Response(status_code=204)


@router.delete("/{way}/{peer_id}", status_code=204, responses=problems(404))
async def leave(session_id: str, way: str, peer_id: str, service: ServiceOf, client: ClientOf) -> Response:
    """End a WebRTC connection."""
    service.peers.get(service.sessions.get(client, session_id), peer_id)
    await service.peers.end(peer_id)
    return Response(status_code=204)


async def _created(service: Service, session: LiveSession, way: str, work: Awaitable[tuple[str, str]]) -> Response:
    peer_id, answer = await work
    response = Response(answer, 201, media_type=SDP)
    response.headers["location"] = f"/v1/sessions/{session.id}/{way}/{peer_id}"
    for each in service.settings.ice_servers:
        secret = f'; username="{each.username}"; credential="{each.credential}"' if each.username else ""
        response.headers.append("link", f'<{each.url}>; rel="ice-server"{secret}')
    return response


async def _body(request: Request, media_type: str) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise Problem(415, "bad_type", f"expected a body of type {media_type}")
    data = await request.body()
    if len(data) > MOST_SDP:
        raise Problem(413, "too_large", f"the description has more than {MOST_SDP} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Problem(400, "bad_offer", "the description is no UTF-8 text") from None
