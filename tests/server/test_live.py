"""A session over its WebSocket, end to end."""

import io
import time
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.server.live_renderer import LiveRenderer
from server.talking import Talk, decoded, loud, tone
from serving import Running


def test_what_is_said_is_shown_and_heard_in_time(talk: Callable[..., Talk], monkeypatch: pytest.MonkeyPatch) -> None:
    make = LiveRenderer.make

    def white_where_not_at_rest(self: LiveRenderer, number: int, window: Window, *arguments: Any) -> Frame:
        frame = make(self, number, window, *arguments)
        if window is not self.rest:
            frame = frame.copy()
            frame[: self.size[1]] = 235
        return frame

    monkeypatch.setattr(LiveRenderer, "make", white_where_not_at_rest)
    session = talk(video=True)
    assert session.until("session.state_updated")["state"] == "idle"
    session.watch(0.6)
    session.say(tone(1.0), event_id="hello")
    started = session.until("agent.speak_started")
    ended = session.until("agent.speak_ended")
    session.watch(0.6)
    assert started["event_id"] == ended["event_id"] == "hello"
    assert ended["playback_position"] == pytest.approx(1.0)
    assert ended["interrupted"] is False
    assert [event["state"] for event in session.events if "state" in event] == ["idle", "speaking", "idle"]

    frames, samples, start = decoded(session.mp4)
    times = [when for when, _ in frames]
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-6)
    first, last = loud(samples, start)
    assert last - first == pytest.approx(1.0, abs=0.03)
    white = [when for when, frame in frames if frame.mean() > 200]
    assert min(white) == pytest.approx(first, abs=0.04)
    assert max(white) + 0.04 - 3 * 0.04 == pytest.approx(last, abs=0.05)  # the mouth closes over three frames more


def test_an_interruption_is_told_and_heard_at_once(talk: Callable[..., Talk]) -> None:
    session = talk(video=True)
    session.say(tone(5.0), event_id="long")
    session.until("agent.speak_started")
    session.watch(0.5)
    asked = time.monotonic()
    session.send("agent.interrupt")
    ended = session.until("agent.speak_ended")
    assert time.monotonic() - asked < 2  # of five seconds; 0.1 on a machine that does nothing else
    assert ended["interrupted"] is True
    assert 0.2 < float(str(ended["playback_position"])) < 2.5
    session.say(tone(0.4), event_id="again")
    session.until("agent.speak_ended", event_id="again")
    session.watch(0.4)
    _, samples, start = decoded(session.mp4)
    levels = np.abs(samples[: len(samples) // 480 * 480]).reshape(-1, 480).mean(axis=1) > 0.02
    assert levels.sum() * 0.01 == pytest.approx(float(str(ended["playback_position"])) + 0.4, abs=0.08)
    assert start >= 0


def test_audio_file_is_said(talk: Callable[..., Talk], server: Running) -> None:
    session = talk()
    container = io.BytesIO()
    with av.open(container, "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="stereo")
        audio = np.tile(np.frombuffer(tone(0.6, 48_000), "<i2"), (2, 1)).T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio), "s16", "stereo")
        frame.sample_rate = 48_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    answer = server.client.post(f"{session.url}/speak", content=container.getvalue())
    assert answer.status_code == 202
    assert answer.json()["seconds"] == pytest.approx(0.6, abs=0.03)
    assert session.until("agent.speak_ended", event_id=answer.json()["event_id"])["interrupted"] is False

    for body in (b"", b"no audio at all", b"#EXTM3U\nfile:///etc/passwd\n"):
        refused = server.client.post(f"{session.url}/speak", content=body)
        assert refused.status_code == 400
        assert "framegen-" not in refused.text  # no path of ours
        assert refused.json()["error"]["message"].startswith("the audio")


def test_utterances_wait_for_each_other(talk: Callable[..., Talk]) -> None:
    session = talk()
    session.say(tone(0.3), event_id="one")
    session.say(tone(0.3), event_id="two")
    session.say(b"", event_id="nothing")
    for event_id in ("one", "two", "nothing"):
        session.until("agent.speak_ended", event_id=event_id)
    assert [event["event_id"] for event in session.events if event["type"] == "agent.speak_started"] == ["one", "two"]


def test_bodies_that_cannot_be_read_are_answered_as_described(server: Running) -> None:
    described = server.client.get("/openapi.json").json()["paths"]
    for path in ("/v1/sessions", "/v1/sessions/{session_id}/say"):
        for body in (b"\xff", b"{", b"[]"):
            answer = server.client.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 422)
            assert str(answer.status_code) in described[path]["post"]["responses"]
            assert answer.json()["error"]["message"]


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
    session = talk()
    session.socket.send(message)
    assert session.until("error")["code"] == code
    session.send("session.keep_alive")  # the connection is as good as before
    session.say(tone(0.2))
    session.until("agent.speak_ended")
