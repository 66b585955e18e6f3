"""A session over its WebSocket, end to end."""

import asyncio
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.server.live_painter import LivePainter
from frame_generation_pipeline.server.settings import Limits, ServerSettings
from frame_generation_pipeline.server.socket_routes import MOST_WAITING, Outbox
from serving import TINY, Running

RATE = 24_000  # Hz, of what the tests say


def tone(seconds: float, rate: int = RATE, hertz: float = 330) -> bytes:
    samples = 12_000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return samples.astype("<i2").tobytes()


class Talk:
    """A session of the tiny avatar, its WebSocket, and what came over it."""

    def __init__(self, server: Running, *, video: bool = False) -> None:
        answer = server.client.post("/v1/sessions", json={"avatar": TINY})
        assert answer.status_code == 201, answer.text
        self.server, self.session = server, answer.json()
        self.url = f"/v1/sessions/{self.session['id']}"
        self.mp4, self.events = b"", []  # type: ignore[var-annotated]
        self.arrivals: list[float] = []  # of the MP4's pieces
        self._open = ExitStack()
        self.socket = self.connect("?video=fmp4" if video else "")

    def connect(self, query: str = "") -> ClientConnection:
        address = self.server.address.replace("http://", "ws://")
        return self._open.enter_context(connect(f"{address}{self.url}/socket{query}", close_timeout=2, max_size=None))

    def send(self, kind: str, **fields: object) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def say(self, pcm: bytes, **fields: object) -> None:
        self.send("agent.speak", sample_rate=RATE, **fields)
        for start in range(0, len(pcm), 9_601):  # odd on purpose
            self.socket.send(pcm[start : start + 9_601])
        self.send("agent.speak_end")

    def until(self, kind: str, seconds: float = 20, **fields: object) -> dict[str, object]:
        """The next event of that kind, with those fields; keeps all that comes before it."""
        end = time.monotonic() + seconds
        while True:
            message = self.socket.recv(timeout=end - time.monotonic())
            if isinstance(message, bytes):
                self.mp4 += message
                self.arrivals.append(time.monotonic())
                continue
            event = json.loads(message)
            self.events.append(event)
            if event["type"] == kind and all(event.get(name) == value for name, value in fields.items()):
                return event

    def watch(self, seconds: float) -> None:
        """Take what comes for so long."""
        with pytest.raises(TimeoutError):
            self.until("never", seconds)

    def close(self) -> None:
        self._open.close()
        self.server.client.delete(self.url)


@pytest.fixture
def talk(server: Running) -> Iterator[Callable[..., Talk]]:
    """`talk(video=False)` begins a session of the tiny avatar."""
    begun: list[Talk] = []

    def begin(**options: bool) -> Talk:
        begun.append(Talk(server, **options))
        return begun[-1]

    yield begin
    for each in begun:
        each.close()


def decoded(mp4: bytes) -> tuple[list[tuple[float, np.ndarray]], np.ndarray, float]:
    """Frames with their times, samples at 48 kHz, and the time of the first one."""
    with av.open(io.BytesIO(mp4)) as container:
        frames = [(frame.time, frame.to_ndarray()[: frame.height].astype(int)) for frame in container.decode(video=0)]
    with av.open(io.BytesIO(mp4)) as container:
        sound = list(container.decode(audio=0))
    return frames, np.concatenate([frame.to_ndarray()[0] for frame in sound]), sound[0].time


def loud(samples: np.ndarray, start: float, size: int = 480) -> tuple[float, float]:
    """From when to when there is sound, in seconds."""
    levels = np.abs(samples[: len(samples) // size * size]).reshape(-1, size).mean(axis=1)
    places = np.flatnonzero(levels > 0.02)
    return start + places[0] * size / 48_000, start + (places[-1] + 1) * size / 48_000


def test_what_is_said_is_shown_and_heard_in_time(talk: Callable[..., Talk], monkeypatch: pytest.MonkeyPatch) -> None:
    make = LivePainter.make

    def white_where_not_at_rest(self: LivePainter, number: int, window: Window, *arguments: Any) -> Frame:
        frame = make(self, number, window, *arguments)
        if window is not self.rest:
            frame = frame.copy()
            frame[: self.size[1]] = 235
        return frame

    monkeypatch.setattr(LivePainter, "make", white_where_not_at_rest)
    found = talk(video=True)
    assert found.until("session.state_updated")["state"] == "idle"
    found.watch(0.6)
    found.say(tone(1.0), event_id="hello")
    started = found.until("agent.speak_started")
    ended = found.until("agent.speak_ended")
    found.watch(0.6)
    assert started["event_id"] == ended["event_id"] == "hello"
    assert ended["playback_position"] == pytest.approx(1.0)
    assert ended["interrupted"] is False
    assert [event["state"] for event in found.events if "state" in event] == ["idle", "speaking", "idle"]

    frames, samples, start = decoded(found.mp4)
    times = [when for when, _ in frames]
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-6)
    first, last = loud(samples, start)
    assert last - first == pytest.approx(1.0, abs=0.03)
    white = [when for when, frame in frames if frame.mean() > 200]
    assert min(white) == pytest.approx(first, abs=0.04)
    assert max(white) + 0.04 - 3 * 0.04 == pytest.approx(last, abs=0.05)  # the mouth closes over three frames more


def test_an_interruption_is_told_and_heard_at_once(talk: Callable[..., Talk]) -> None:
    found = talk(video=True)
    found.say(tone(5.0), event_id="long")
    found.until("agent.speak_started")
    found.watch(0.5)
    asked = time.monotonic()
    found.send("agent.interrupt")
    ended = found.until("agent.speak_ended")
    assert time.monotonic() - asked < 0.5  # 0.1 on a machine that does nothing else
    assert ended["interrupted"] is True
    assert 0.2 < float(str(ended["playback_position"])) < 2.5
    found.say(tone(0.4), event_id="again")
    found.until("agent.speak_ended", event_id="again")
    found.watch(0.4)
    _, samples, start = decoded(found.mp4)
    levels = np.abs(samples[: len(samples) // 480 * 480]).reshape(-1, 480).mean(axis=1) > 0.02
    assert levels.sum() * 0.01 == pytest.approx(float(str(ended["playback_position"])) + 0.4, abs=0.08)
    assert start >= 0


def test_a_sound_file_is_said(talk: Callable[..., Talk], server: Running) -> None:
    found = talk()
    container = io.BytesIO()
    with av.open(container, "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="stereo")
        sound = np.tile(np.frombuffer(tone(0.6, 48_000), "<i2"), (2, 1)).T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), "s16", "stereo")
        frame.sample_rate = 48_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    answer = server.client.post(f"{found.url}/speak", content=container.getvalue())
    assert answer.status_code == 202
    assert answer.json()["seconds"] == pytest.approx(0.6, abs=0.03)
    assert found.until("agent.speak_ended", event_id=answer.json()["event_id"])["interrupted"] is False

    for body in (b"", b"no sound at all", b"#EXTM3U\nfile:///etc/passwd\n"):
        refused = server.client.post(f"{found.url}/speak", content=body)
        assert refused.status_code == 400
        assert "framegen-" not in refused.text  # no path of ours
        assert refused.json()["error"]["message"].startswith("the sound")


def test_utterances_wait_for_each_other(talk: Callable[..., Talk]) -> None:
    found = talk()
    found.say(tone(0.3), event_id="one")
    found.say(tone(0.3), event_id="two")
    found.say(b"", event_id="nothing")
    for event_id in ("one", "two", "nothing"):
        found.until("agent.speak_ended", event_id=event_id)
    assert [event["event_id"] for event in found.events if event["type"] == "agent.speak_started"] == ["one", "two"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", "bad_message"),
        ("[]", "bad_message"),
        ('{"type": "agent.dance"}', "unknown_message"),
        ('{"type": "agent.speak", "sample_rate": 7999}', "bad_rate"),
        ('{"type": "agent.speak", "sample_rate": "fast"}', "bad_rate"),
        ('{"type": "agent.speak", "audio": "***"}', "bad_message"),
        ('{"type": "agent.speak", "event_id": 7}', "bad_message"),
        (b"\0\0", "not_speaking"),
    ],
)
def test_wrong_messages_are_answered(talk: Callable[..., Talk], message: str | bytes, code: str) -> None:
    found = talk()
    found.socket.send(message)
    assert found.until("error")["code"] == code
    found.send("session.keep_alive")  # the connection is as good as before
    found.say(tone(0.2))
    found.until("agent.speak_ended")


def test_a_session_outlives_its_connection(serve: Callable[[ServerSettings], Running], avatars: Path) -> None:
    found = Talk(serve(ServerSettings(port=0, avatars=avatars, limits=Limits(absence=1.5))))
    found.say(tone(0.8), event_id="on")
    found.until("agent.speak_started")
    found.socket.close()
    time.sleep(0.3)
    found.socket = found.connect()
    found.until("agent.speak_ended", event_id="on")
    found.socket.close()
    deadline = time.monotonic() + 10
    while found.server.client.get(found.url).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with pytest.raises(ConnectionClosed) as closed:
        found.connect().recv()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4404


def test_limits_of_a_client(serve: Callable[[ServerSettings], Running], avatars: Path) -> None:
    limits = Limits(sessions=1, sound=2.0, idle=1.0)
    server = serve(ServerSettings(port=0, avatars=avatars, limits=limits))
    found = Talk(server)
    answer = server.client.post("/v1/sessions", json={"avatar": TINY})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_sessions")
    assert answer.headers["retry-after"]
    found.send("agent.speak", sample_rate=RATE)
    for _ in range(10):
        found.socket.send(tone(1.0))
    assert found.until("error")["code"] == "too_much_sound"
    found.send("agent.interrupt")
    assert found.until("session.state_updated", state="ended")["reason"] == "nothing was sent"


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
    with pytest.raises(InvalidStatus), connect(f"{address}{own}/socket", origin=evil, additional_headers=headers):  # type: ignore[arg-type]
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
    found = talk()
    found.say(tone(0.2))
    found.until("agent.speak_ended")
    text = server.client.get("/metrics").text
    assert "framegen_sessions 1.0" in text
    for name in ("framegen_frames_total", "framegen_frames_late_total", "process_resident_memory_bytes"):
        assert f"\n{name} " in text


def test_many_at_once_leave_nothing_behind(server: Running, talk: Callable[..., Talk]) -> None:
    before = threading.active_count()
    begun = [talk(video=True) for _ in range(3)]
    for found in begun:
        found.say(tone(0.4))
    for found in begun:
        found.until("agent.speak_ended")
        found.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before
    assert server.service.sessions.all() == []
