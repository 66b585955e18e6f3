"""Sessions of many clients: how long they live, who may reach them, and what they leave behind."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.live_drops import WAYS, upgraded
from frame_generation_pipeline.server import sessions, socket_routes, webrtc
from frame_generation_pipeline.server.live_renderer import LiveRenderer
from frame_generation_pipeline.server.settings import Limits, ServerSettings
from frame_generation_pipeline.server.socket_routes import MOST_WAITING, Outbox
from server.talking import RATE, Talk, tone
from serving import TINY, Running, running


@pytest.fixture(scope="module")
def impatient(avatars: Path) -> Iterator[Running]:
    """A server that keeps sessions for a moment only, and many of them."""
    with running(ServerSettings(port=0, avatars=avatars, limits=Limits(sessions=100, absence=1.5))) as server:
        yield server


def test_a_session_outlives_its_connection(impatient: Running) -> None:
    session = Talk(impatient)
    session.say(tone(0.8), event_id="on")
    session.until("agent.speak_started")
    session.socket.close()
    time.sleep(0.3)
    session.socket = session.connect()
    session.until("agent.speak_ended", event_id="on")
    session.socket.close()
    deadline = time.monotonic() + 10
    while session.server.client.get(session.url).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with pytest.raises(ConnectionClosed) as closed:
        session.connect().recv()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4404


def test_sessions_that_are_left_badly_leave_nothing(impatient: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "CONNECTING", 0.5)
    monkeypatch.setattr(sessions, "CARRIED", 1000.0)  # whatever else the machine does
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not tell what descriptors a process has")
    before = len(list(descriptors.iterdir()))
    for number in range(20):
        answer = impatient.client.post("/v1/sessions", json={"avatar": TINY})
        assert answer.status_code == 201, answer.text
        WAYS[number % len(WAYS)](impatient.address, f"/v1/sessions/{answer.json()['id']}")
    deadline = time.monotonic() + 30
    while impatient.service.sessions.all():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("session")]
    assert len(list(descriptors.iterdir())) < before + 5  # what any first use leaves, and nothing of the twenty


def test_a_reader_that_takes_nothing_is_dropped(
    server: Running, talk: Callable[..., Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(16, 235, (40, 98 * 3 // 2, 132), np.uint8)
    monkeypatch.setattr(LiveRenderer, "make", lambda _, number, *__: noise[number % len(noise)])
    monkeypatch.setattr(LiveRenderer, "kept", lambda *_: None)
    monkeypatch.setattr(socket_routes, "MOST_WAITING", 20)
    monkeypatch.setattr(socket_routes, "SLOWEST", 0.5)
    monkeypatch.setattr(socket_routes, "CLOSING", 0.1)
    found = talk()
    session = server.service.sessions.all()[-1]
    with socket.socket() as deaf:  # whose system keeps as little as it can, too
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        upgraded(server.address, found.url, deaf)
        for connections in (2, 1):
            deadline = time.monotonic() + 20
            while session.connections != connections:
                assert time.monotonic() < deadline
                time.sleep(0.02)
    found.say(tone(0.2))  # the other connection is as good as before
    found.until("agent.speak_ended")


def test_limits_of_a_client(serve: Callable[[ServerSettings], Running], avatars: Path) -> None:
    limits = Limits(sessions=1, audio=2.0, idle=1.0)
    server = serve(ServerSettings(port=0, avatars=avatars, limits=limits))
    session = Talk(server)
    answer = server.client.post("/v1/sessions", json={"avatar": TINY})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_sessions")
    assert answer.headers["retry-after"]
    session.send("agent.speak", sample_rate=RATE)
    for _ in range(10):
        session.socket.send(tone(1.0))
    assert session.until("error")["code"] == "too_much_audio"
    session.send("agent.interrupt")
    assert session.until("session.state_updated", state="ended")["reason"] == "nothing was sent"


def test_tokens_of_sessions_are_good_for_theirs_alone(
    serve: Callable[[ServerSettings], Running], avatars: Path
) -> None:
    tokens = {"ada": "a" * 20, "bob": "b" * 20}
    server = serve(ServerSettings(port=0, avatars=avatars, tokens=tokens))

    def bearer(token: str) -> dict[str, str]:
        return {"authorization": f"Bearer {token}"}

    client = server.client
    one, two = (client.post("/v1/sessions", json={"avatar": TINY}, headers=bearer("a" * 20)).json() for _ in range(2))
    own, other = (f"/v1/sessions/{session['id']}" for session in (one, two))
    assert client.get(own, headers=bearer(one["token"])).json()["token"] is None  # shown once
    assert client.get(other, headers=bearer(one["token"])).status_code == 404
    assert client.get(own, headers=bearer("b" * 20)).status_code == 404
    assert client.get(own).status_code == 401
    assert client.post("/v1/sessions", headers=bearer(one["token"])).status_code == 403
    listed = client.get("/v1/sessions", headers=bearer(one["token"])).json()["sessions"]
    assert [session["id"] for session in listed] == [one["id"]]

    address = server.address.replace("http://", "ws://")
    with pytest.raises(InvalidStatus), connect(f"{address}{own}/socket"):
        pass
    evil, headers = "https://evil.example", bearer(one["token"])
    with (
        pytest.raises(InvalidStatus),
        connect(f"{address}{own}/socket", origin=Origin(evil), additional_headers=headers),
    ):
        pass
    with connect(f"{address}{own}/socket", subprotocols=["framegen", f"bearer.{one['token']}"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "framegen"
        assert json.loads(socket.recv())["state"] == "idle"


def test_slow_readers_are_dropped() -> None:
    async def fill() -> None:
        outbox = Outbox(asyncio.get_running_loop())
        for number in range(MOST_WAITING + 10):
            outbox.tell({"type": "error", "message": str(number)})
        await asyncio.sleep(0)
        assert outbox.too_slow
        for _ in range(MOST_WAITING):
            assert await outbox.next() is not None
        assert await outbox.next() is None

    asyncio.run(fill())


def test_figures_are_served(talk: Callable[..., Talk], server: Running) -> None:
    session = talk()
    session.say(tone(0.2))
    session.until("agent.speak_ended")
    text = server.client.get("/metrics").text
    assert "framegen_sessions 1.0" in text
    for name in ("framegen_frames_total", "framegen_frames_late_total", "process_resident_memory_bytes"):
        assert f"\n{name} " in text


def test_many_at_once_leave_nothing_behind(server: Running, talk: Callable[..., Talk]) -> None:
    before = threading.active_count()
    begun = [talk(video=True) for _ in range(3)]
    for session in begun:
        session.say(tone(0.4))
    for session in begun:
        session.until("agent.speak_ended")
        session.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before
    assert server.service.sessions.all() == []
