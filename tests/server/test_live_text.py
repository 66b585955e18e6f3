"""Texts that a live session says."""

from collections.abc import Iterator

import hibari  # noqa: F401  # where the extra [say] is missing, these tests are left out
import pytest

from frame_generation_pipeline.voice.endpoint import EndpointVoice
from server.talking import Talk
from serving import Running


@pytest.fixture
def talk(server: Running) -> Iterator[Talk]:
    session = Talk(server)
    yield session
    session.close()


def test_a_text_is_said_with_its_caption(talk: Talk) -> None:
    talk.send("agent.speak", text="Hi. You.", event_id="t")
    started = talk.until("agent.speak_started", event_id="t")
    assert started["text"] == "Hi. You."
    ended = talk.until("agent.speak_ended", event_id="t")
    assert ended["interrupted"] is False
    assert 1 < float(str(ended["playback_position"])) < 5
    asked = talk.server.client.post(f"{talk.url}/say", json={"text": "Bye."})
    assert asked.status_code == 202
    talk.until("agent.speak_started", event_id=asked.json()["event_id"], text="Bye.")
    talk.send("agent.interrupt")
    talk.until("agent.speak_ended", event_id=asked.json()["event_id"], interrupted=True)


def test_what_cannot_be_spoken_is_named_with_its_place(talk: Talk) -> None:
    for fields, code, message in (
        ({"text": "Hi 你"}, "bad_text", "line 1, character 4"),
        ({"text": ""}, "bad_text", "nothing to say"),
        ({"text": 7}, "bad_message", "expected a text"),
        ({"text": "Hi", "audio": ""}, "bad_message", "expected a text"),
        ({"text": "x" * 6000}, "too_long", "5000"),
    ):
        talk.send("agent.speak", **fields)
        error = talk.until("error")
        assert error["code"] == code
        assert message in str(error["message"])
    refused = talk.server.client.post(f"{talk.url}/say", json={"text": "Hi 你"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "bad_text"


def test_a_voice_that_fails_is_told(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk.server.service.voice, "load", lambda: EndpointVoice("http://127.0.0.1:9"))
    talk.send("agent.speak", text="Hi.", event_id="t")
    error = talk.until("error", code="voice_failed")
    assert "cannot be reached" in str(error["message"])
    talk.until("agent.speak_ended", event_id="t")
