"""An endpoint on this machine: what it is asked, and what its answers become."""

import io
import json
import threading
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from frame_generation_pipeline.errors import TextError, VoiceError
from frame_generation_pipeline.voice import endpoint
from frame_generation_pipeline.voice.endpoint import KEY, EndpointVoice
from frame_generation_pipeline.voice.protocol import RATE, spoken_text


def tone(seconds: float, rate: int = 48_000) -> bytes:
    """A WAV file as servers stream it: its header does not know how long it is."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        audio = 8000 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
        writer.writeframes(np.repeat(audio.astype("<i2"), 2).tobytes())
    content = bytearray(file.getvalue())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    return bytes(content)


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, dict[str, object], str | None]]
    answers: list[tuple[int, bytes]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body, self.headers["Authorization"]))
        status, content = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Answers", (Handler,), {"asked": [], "answers": [(200, tone(0.5))]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/v1", handler
        serving.shutdown()
        thread.join()


def test_each_sentence_is_asked_for_and_becomes_audio(
    server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = server
    monkeypatch.setenv(KEY, "secret")
    parts = [*spoken_text(EndpointVoice(url, "nova", "tts-9", 1.5), "One. 你好。")]
    audio = np.concatenate(parts)
    assert audio.dtype == np.float32
    assert len(audio) == pytest.approx(RATE, abs=100)
    assert np.abs(audio).max() == pytest.approx(8000 / 32768, rel=0.05)
    assert [path for path, _, _ in handler.asked] == ["/v1/audio/speech"] * 2
    assert [body["input"] for _, body, _ in handler.asked] == ["One.", "你好。"]
    asked = handler.asked[0][1]
    assert (asked["model"], asked["voice"], asked["speed"], asked["response_format"]) == ("tts-9", "nova", 1.5, "wav")
    assert handler.asked[0][2] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, b'{"error": "no key"}'), r"answered 401 .*no key.*; put the key into FRAMEGEN_TTS_KEY"),
        ((400, b""), "answered 400"),
        ((302, b""), "answered 302"),
        ((200, b"<html>hello</html>" * 100), "cannot be decoded|no audio"),
        ((200, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "cannot be decoded"),
        ((200, b""), "cannot be decoded"),
    ],
)
def test_other_answers_are_one_line(server: tuple[str, type[Handler]], answer: tuple[int, bytes], message: str) -> None:
    url, handler = server
    handler.answers = [answer]
    with pytest.raises(VoiceError, match=message) as raised:
        list(spoken_text(EndpointVoice(url), "Hello."))
    assert "\n" not in str(raised.value)
    assert len(handler.asked) == 1


def test_a_busy_endpoint_is_asked_again(server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, handler = server
    monkeypatch.setattr(endpoint, "PAUSE", 0.01)
    handler.answers = [(503, b""), (429, b""), (200, tone(0.2))]
    assert sum(map(len, spoken_text(EndpointVoice(url), "Hello."))) > 0
    handler.answers = [(503, b"full")]
    with pytest.raises(VoiceError, match=r"answered 503 .full"):
        list(spoken_text(EndpointVoice(url), "Hello."))


def test_no_audio_names_the_sentence(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    handler.answers = [(200, tone(0.2)), (200, tone(0))]
    with pytest.raises(TextError, match=r"line 1, character 8: the voice gave no audio for 'Second.'"):
        list(spoken_text(EndpointVoice(url), "First. Second."))


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(VoiceError, match=r"^voice 'alloy': cannot be reached .*refused.*check --tts-url$"):
        list(spoken_text(EndpointVoice("http://127.0.0.1:9"), "Hello."))


def test_errors_do_not_tell_where_the_endpoint_is(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    handler.answers = [(404, f"nothing at {url}/audio/speech".encode())]
    with pytest.raises(VoiceError, match="nothing at http://the endpoint") as raised:
        list(spoken_text(EndpointVoice(url, "nova"), "Hello."))
    assert "127.0.0.1" not in str(raised.value)


def test_silence_for_too_long_is_one_line(server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, handler = server
    monkeypatch.setattr(endpoint, "TIMEOUT", 0.1)
    waiting = threading.Event()
    monkeypatch.setattr(handler, "do_POST", lambda _: waiting.wait(5))
    with pytest.raises(VoiceError, match=r"stopped answering .*timed out"):
        list(spoken_text(EndpointVoice(url), "Hello."))
    waiting.set()
