"""Read the messages of clients over a session's WebSocket: JSON, and PCM16 in binary ones; see docs/live.md."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from frame_generation_pipeline.server.live_session import LiveSession
from frame_generation_pipeline.server.live_text import say_text
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.utterance_audio import UtteranceAudio
from frame_generation_pipeline.server.voices import LazyVoice

DEFAULT_RATE = 24_000  # Hz, of an `agent.speak` without a rate
MOST_ID = 200  # characters


class Messages:
    """Handles the messages of one connection, in order."""

    def __init__(self, session: LiveSession, longest: float, voice: LazyVoice) -> None:
        """longest: seconds of audio that may wait. voice: speaks texts."""
        self._session, self._longest, self._voice = session, longest, voice
        self._open: UtteranceAudio | None = None  # receives binary messages

    def binary(self, pcm: bytes) -> None:
        """Handle PCM16 of the open utterance. Raises Problem."""
        if self._open is None:
            raise Problem(400, "not_speaking", "send agent.speak with its sample_rate before the audio")
        self._open.push(pcm)
        self._session.wake()

    def text(self, text: str) -> Callable[[], object] | None:
        """Handle a JSON message; returns its slow part, to call before the next message. Both raise Problem."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise Problem(400, "bad_message", "expected a JSON object")
        kind = message.get("type")
        if kind == "agent.speak" and "text" in message:
            return self._speak_text(message)
        if kind == "agent.speak":
            self._speak(message)
        elif kind == "agent.speak_end":
            self.end()
        elif kind == "agent.interrupt":
            self._open = None
            self._session.interrupt()
        elif kind == "session.keep_alive":
            self._session.wake()
        else:
            raise Problem(400, "unknown_message", f"type {str(kind)[:100]!r} is unknown; see docs/live.md")
        return None

    def end(self) -> None:
        """End the open utterance, if there is one."""
        if self._open is not None:
            self._open.end()
            self._session.wake()
        self._open = None

    def _speak_text(self, message: dict[str, Any]) -> Callable[[], object]:
        """Say a text as an utterance of its own."""
        text, event_id = message["text"], _event_id(message)
        if not isinstance(text, str) or "audio" in message:
            raise Problem(400, "bad_message", "expected a text without audio, or audio without a text")
        self.end()
        return lambda: say_text(self._session, self._voice, text, self._longest, event_id)

    def _speak(self, message: dict[str, Any]) -> None:
        """Begin an utterance, or continue the open one if the message names no other; the message may have audio."""
        event_id, rate = _event_id(message), message.get("sample_rate", DEFAULT_RATE)
        if type(rate) is not int:
            raise Problem(400, "bad_rate", "sample_rate is no whole number")
        try:
            pcm = base64.b64decode(message.get("audio", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise Problem(400, "bad_message", "audio is not base64") from None
        if self._open is not None and (self._open.dropped or event_id not in (None, self._open.event_id)):
            self.end()
        if self._open is None:
            self._open = self._session.begin(rate, self._longest, event_id)
        elif rate != self._open.rate and "sample_rate" in message:
            raise Problem(400, "bad_rate", f"the utterance has {self._open.rate} samples a second; end it first")
        if pcm:
            self.binary(pcm)


def _event_id(message: dict[str, Any]) -> str | None:
    event_id = message.get("event_id")
    if not (event_id is None or (isinstance(event_id, str) and len(event_id) <= MOST_ID)):
        raise Problem(400, "bad_message", f"event_id is not a text of at most {MOST_ID} characters")
    return event_id
