"""What clients say over a session's WebSocket: JSON messages, and PCM16 as binary ones; see docs/live.md."""

import base64
import binascii
import json
from typing import Any

from frame_generation_pipeline.server.live_session import LiveSession
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.utterance_audio import UtteranceAudio

DEFAULT_RATE = 24_000  # Hz, of `agent.speak` that states none
MOST_ID = 200  # characters


class Messages:
    """The messages of one connection, in order."""

    def __init__(self, session: LiveSession, longest: float) -> None:
        """longest: seconds of sound that may wait to be said."""
        self._session, self._longest = session, longest
        self._open: UtteranceAudio | None = None  # to which binary messages are pushed

    def binary(self, pcm: bytes) -> None:
        """PCM16 of the open utterance. Raises Problem."""
        if self._open is None:
            raise Problem(400, "not_speaking", "send agent.speak with its sample_rate before the sound")
        self._open.push(pcm)
        self._session.wake()

    def text(self, text: str) -> None:
        """A JSON message. Raises Problem."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise Problem(400, "bad_message", "expected a JSON object")
        kind = message.get("type")
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

    def end(self) -> None:
        """End the open utterance, if there is one."""
        if self._open is not None:
            self._open.end()
            self._session.wake()
        self._open = None

    def _speak(self, message: dict[str, Any]) -> None:
        """Begin an utterance, or go on with the open one where the message names no other; it may have sound."""
        event_id, rate = message.get("event_id"), message.get("sample_rate", DEFAULT_RATE)
        if not (event_id is None or (isinstance(event_id, str) and len(event_id) <= MOST_ID)):
            raise Problem(400, "bad_message", f"event_id is not a text of at most {MOST_ID} characters")
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
