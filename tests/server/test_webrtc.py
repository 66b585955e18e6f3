"""WebRTC by a receiver and a sender of aiortc's."""

import asyncio
import fractions
import io
import time
import wave
from collections.abc import Awaitable, Callable

import httpx
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame

from benchmarks.live_receiver import Receiver, marking, negotiate, numbering
from frame_generation_pipeline.audio.gate import FADE
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.server.live_renderer import LiveRenderer
from frame_generation_pipeline.server.live_session import Event
from frame_generation_pipeline.server.settings import IceServer
from frame_generation_pipeline.speaking.conversation import Conversation
from server.talking import RATE, tone
from serving import TINY, Running

FRAME = 0.04  # seconds
CLOSING = FADE - 1  # frames in which the mouth closes
SDP = {"content-type": "application/sdp"}


def begin(server: Running) -> str:
    session = server.client.post("/v1/sessions", json={"avatar": TINY}).json()
    return f"{server.address}/v1/sessions/{session['id']}"


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def running() -> None:
        await work()

    asyncio.run(running())


def wav(seconds: float) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tone(seconds))
    return written.getvalue()


def test_a_receiver_sees_and_hears_in_time_and_nothing_after_an_interruption(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveRenderer, "make", marking(LiveRenderer.make))
    monkeypatch.setattr(Conversation, "_make", numbering(Conversation._make))
    url = begin(server)
    events: list[Event] = []
    server.service.sessions.all()[-1].listen(events.append)

    async def work() -> None:
        receiver = Receiver()
        answer = await negotiate(receiver.peer, f"{url}/whep")
        assert "127.0.0.1" in answer.text  # no other address than the server's own
        assert answer.text.count("a=candidate") == answer.text.count(" 127.0.0.1 ")
        assert "VP8" not in answer.text
        assert "H264" in answer.text
        await until(lambda: len(receiver.frames) > 12 and len(receiver.loudness) > 25)
        assert max(loud for _, loud in receiver.loudness[10:]) < 5
        assert receiver.size == (132, 98)
        async with httpx.AsyncClient(timeout=20) as client:
            await have_all_said(client, receiver)
            await interrupt(client, receiver)
            place = f"{server.address}{answer.headers['location']}"
            trickled = "a=mid:0\r\na=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\n"
            kind = {"content-type": "application/trickle-ice-sdpfrag"}
            assert (await client.patch(place, content=trickled, headers=kind)).status_code == 204
            assert (await client.delete(place)).status_code == 204
            assert (await client.delete(place)).status_code == 404
        await receiver.close()

    async def have_all_said(client: httpx.AsyncClient, receiver: Receiver) -> None:
        for number in range(3):
            assert (await client.post(f"{url}/speak", content=wav(0.4))).status_code == 202
            await until(lambda number=number: len(ends(events)) > number)  # type: ignore[misc]
            await asyncio.sleep(0.6)
        assert np.median(np.diff([when for when, _ in receiver.frames])) == 3600  # 25 a second
        assert sum(marked for _, marked in receiver.frames) == pytest.approx(3 * (10 + CLOSING), abs=1)
        await until(lambda: receiver.video.reports and receiver.audio.reports)
        skews = receiver.skews()
        assert len(skews) == 3
        assert max(map(abs, skews)) < FRAME, skews

    async def interrupt(client: httpx.AsyncClient, receiver: Receiver) -> None:
        frames, packets = len(receiver.frames), len(receiver.loudness)
        assert (await client.post(f"{url}/speak", content=wav(5.0))).status_code == 202
        await until(lambda: any(marked for _, marked in receiver.frames[frames:]))
        await asyncio.sleep(0.4)
        assert (await client.post(f"{url}/interrupt")).status_code == 204
        await until(lambda: len(ends(events)) == 4)
        await asyncio.sleep(0.8)
        position = ends(events)[-1]["playback_position"]
        spoken = round(position / FRAME)
        speaks = [marked for _, marked in receiver.frames[frames:]]
        assert spoken <= sum(speaks) <= spoken + 4
        assert speaks[-10:] == [False] * 10  # the mouth is closed and rests
        loud = sum(level > 1000 for _, level in receiver.loudness[packets:])
        assert loud * 0.02 <= position + FRAME

    run(work)
    assert server.service.sessions.all()[-1].connections == 0
    server.client.delete(url)


def ends(events: list[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "agent.speak_ended"]


class Tone(AudioStreamTrack):
    """A voice, as far as the server knows."""

    def __init__(self) -> None:
        super().__init__()
        self._given = 0

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(0.02)
        places = np.arange(self._given, self._given + 960)
        samples = (8000 * np.sin(2 * np.pi * 220 * places / 48_000)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._given, fractions.Fraction(1, 48_000)
        self._given += 960
        return frame


def test_a_microphone_is_said(server: Running) -> None:
    url = begin(server)
    session = server.service.sessions.all()[-1]

    async def work() -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.addTrack(Tone())
        await negotiate(peer, f"{url}/whip")
        await until(lambda: session.state == "speaking")
        session.interrupt()
        assert session.state == "idle"
        await until(lambda: session.state == "speaking")  # it goes on with what comes after
        await peer.close()
        await until(lambda: session.state == "idle" and not session.waiting)

    run(work)
    server.client.delete(url)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [(b"", {}, 415), (b"nonsense", SDP, 400), (b"v=0\r\n", SDP, 400), (b"\xff", SDP, 400), (b"v" * 70_000, SDP, 413)],
)
def test_bad_offers_are_refused(server: Running, body: bytes, headers: dict[str, str], status: int) -> None:
    url = begin(server)
    for way in ("whep", "whip"):
        answer = server.client.post(f"{url}/{way}", content=body, headers=headers)
        assert answer.status_code == status, answer.text
    server.client.delete(url)
    assert server.client.post(f"{url}/whep", content=body, headers=SDP).status_code == 404


def test_ice_servers() -> None:
    assert IceServer.of("stun:example.org") == IceServer("stun:example.org")
    assert IceServer.of("turn:example.org:3478,ada,se,cret") == IceServer("turn:example.org:3478", "ada", "se,cret")
    for wrong in ("example.org", "stun:", "turn:example.org", "turn:example.org,ada", 'stun:a"b', "http://example.org"):
        with pytest.raises(OptionError):
            IceServer.of(wrong)
