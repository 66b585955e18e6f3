"""WebRTC by a receiver and a sender of aiortc's."""

import asyncio
import fractions
import time
from collections.abc import Awaitable, Callable

import httpx
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack
from av import AudioFrame

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.server.settings import IceServer
from samples import write_wav
from serving import TINY, Running

SDP = {"content-type": "application/sdp"}


def begin(server: Running) -> str:
    session = server.client.post("/v1/sessions", json={"avatar": TINY}).json()
    return f"{server.address}/v1/sessions/{session['id']}"


async def offer(peer: RTCPeerConnection, url: str) -> httpx.Response:
    await peer.setLocalDescription(await peer.createOffer())
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(url, content=peer.localDescription.sdp, headers=SDP)
    assert answer.status_code == 201, answer.text
    await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return answer


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


class Receiver:
    """Takes what a session sends."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.video: list[tuple[int, int, int]] = []  # time of 1/90,000 s, width and height
        self.audio: list[tuple[int, float]] = []  # time of 1/48,000 s, and loudness
        self._tasks: list[asyncio.Task[None]] = []
        for kind in ("video", "audio"):
            self.peer.addTransceiver(kind, direction="recvonly")
        self.peer.on("track", lambda track: self._tasks.append(asyncio.create_task(self._take(track))))

    async def _take(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            if isinstance(frame, AudioFrame):
                self.audio.append((frame.pts or 0, float(np.abs(frame.to_ndarray().astype(float)).mean())))
            else:
                self.video.append((frame.pts, frame.width, frame.height))  # type: ignore[union-attr, arg-type]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.peer.close()


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def running() -> None:
        await work()

    asyncio.run(running())


def test_a_receiver_sees_and_hears(server: Running, tmp_path) -> None:  # type: ignore[no-untyped-def]
    url = begin(server)
    audio = write_wav(tmp_path / "speech.wav", 1.0).read_bytes()

    async def work() -> None:
        receiver = Receiver()
        answer = await offer(receiver.peer, f"{url}/whep")
        assert "127.0.0.1" in answer.text  # no other address than the server's own
        assert answer.text.count("a=candidate") == answer.text.count(" 127.0.0.1 ")
        assert "VP8" not in answer.text
        assert "H264" in answer.text
        await until(lambda: len(receiver.video) > 12 and len(receiver.audio) > 25)
        assert max(loud for _, loud in receiver.audio[10:]) < 5
        async with httpx.AsyncClient(timeout=20) as client:
            assert (await client.post(f"{url}/speak", content=audio)).status_code == 202
            await until(lambda: max(loud for _, loud in receiver.audio) > 1000)
            seen = len(receiver.video)
            await until(lambda: len(receiver.video) > seen + 12)
            steps = np.diff([when for when, _, _ in receiver.video])
            assert np.median(steps) == 3600  # 25 a second
            assert receiver.video[-1][1:] == (132, 98)
            place = f"{server.address}{answer.headers['location']}"
            trickled = "a=mid:0\r\na=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\n"
            kind = {"content-type": "application/trickle-ice-sdpfrag"}
            assert (await client.patch(place, content=trickled, headers=kind)).status_code == 204
            assert (await client.delete(place)).status_code == 204
            assert (await client.delete(place)).status_code == 404
        await receiver.close()

    run(work)
    assert server.service.sessions.all()[-1].connections == 0
    server.client.delete(url)


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
        await offer(peer, f"{url}/whip")
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
