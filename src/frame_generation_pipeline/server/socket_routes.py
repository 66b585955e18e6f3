"""`/v1/sessions/{id}/socket`: messages and audio in, events and, if wanted, fragmented MP4 out."""

import asyncio
import contextlib
import json

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from frame_generation_pipeline.server.live_encoder import Encoded, LiveEncoder
from frame_generation_pipeline.server.live_session import ENDED, Event
from frame_generation_pipeline.server.messages import Messages
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.service import ClientOf, ServiceOf

router = APIRouter()

PROTOCOL = "framegen"  # protocol of clients that must name one beside their token
MOST_WAITING = 250  # waiting messages of a slow reader; ten seconds with frames
SLOWEST = 10.0  # seconds in which one message must be sent
CLOSING = 1.0  # seconds in which the last message must be sent
TOO_SLOW, NO_SESSION, NORMAL = 4408, 4404, 1000  # close codes


class Outbox:
    """Waiting messages of one connection; the session's thread adds them, the event loop sends them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._begun = False  # whether a key fragment was sent
        self.too_slow = False

    def tell(self, event: Event) -> None:
        """A `Listener`."""
        self._put(json.dumps(event))
        if event.get("state") == ENDED:
            self.finish()

    def take(self, encoded: Encoded, encoder: LiveEncoder) -> None:
        """See `Viewer.take`; sends the MP4 from a key frame on."""
        data = b""
        for fragment in encoded.fragments:
            if not self._begun and fragment.key:
                self._begun = True
                data += encoder.header
            if self._begun:
                data += fragment.data
        if data:
            self._put(data)

    async def next(self) -> bytes | str | None:
        """The next message to send; None at the end."""
        return await self._queue.get()

    def finish(self) -> None:
        """Let `next` end after the waiting messages."""
        self._put(None)

    def _put(self, message: bytes | str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            self._loop.call_soon_threadsafe(self._add, message)

    def _add(self, message: bytes | str | None) -> None:
        if self.too_slow:
            return
        self.too_slow = self._queue.qsize() >= MOST_WAITING
        self._queue.put_nowait(None if self.too_slow else message)


@router.websocket("/v1/sessions/{session_id}/socket")
async def connect(
    websocket: WebSocket, session_id: str, service: ServiceOf, client: ClientOf, video: str | None = None
) -> None:
    """Exchange messages with a session; `?video=fmp4` also sends what it shows and says."""
    offered = websocket.headers.get("sec-websocket-protocol", "")
    await websocket.accept(PROTOCOL if PROTOCOL in [name.strip() for name in offered.split(",")] else None)
    try:
        session = service.sessions.get(client, session_id)
        if video not in (None, "fmp4"):
            raise Problem(400, "bad_video", "video is unknown; expected fmp4")
    except Problem as problem:
        await websocket.close(NO_SESSION, problem.message)
        return
    outbox = Outbox(asyncio.get_running_loop())
    messages = Messages(session, service.settings.limits.audio, service.voice)
    session.connect(1)
    session.listen(outbox.tell)
    if video:
        session.watch(outbox)
    receiving = asyncio.create_task(_receive(websocket, messages, outbox))
    try:
        await _send(websocket, outbox, receiving)
    finally:
        receiving.cancel()
        session.leave(listener=outbox.tell, viewer=outbox)
        session.connect(-1)
        messages.end()


async def _receive(websocket: WebSocket, messages: Messages, outbox: Outbox) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            outbox.finish()
            return
        try:
            if message.get("bytes") is not None:
                messages.binary(message["bytes"])
            else:
                slow = messages.text(message["text"])
                if slow is not None:
                    await asyncio.to_thread(slow)
        except Problem as problem:
            outbox.tell({"type": "error", "code": problem.code, "message": problem.message})


async def _send(websocket: WebSocket, outbox: Outbox, receiving: "asyncio.Task[None]") -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while not receiving.done() and (message := await outbox.next()) is not None:
            sending = websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message)
            try:
                await asyncio.wait_for(sending, SLOWEST)
            except TimeoutError:
                outbox.too_slow = True
                break
        if not receiving.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(websocket.close(TOO_SLOW if outbox.too_slow else NORMAL), CLOSING)
