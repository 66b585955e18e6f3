"""Voices behind an HTTP endpoint of OpenAI's kind: `POST {url}/audio/speech` with JSON, audio comes back."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException
from itertools import chain
from typing import IO, Any
from urllib.parse import urlsplit

import av
import numpy as np

from frame_generation_pipeline.errors import OptionError, VoiceError, quoted
from frame_generation_pipeline.media.containers import FORMATS
from frame_generation_pipeline.voice.protocol import RATE, VoiceSamples, sentences_of
from frame_generation_pipeline.voice.sentences import Sentence

KEY = "FRAMEGEN_TTS_KEY"  # the environment variable that holds the endpoint's key
TIMEOUT = 30.0  # seconds in which the endpoint must answer, and give each next piece
LONGEST = 300  # seconds of audio of one sentence; more is taken for a fault
BUSY = (429, 502, 503, 504)  # answers after which the same request is made again
TRIES = 3
PAUSE = 1.0  # seconds before the second try; twice as long before the next


class EndpointVoice:
    """A voice that an endpoint speaks with, in whatever audio format FFmpeg knows; WAV is asked for.

    url: with http or https, up to and without `/audio/speech`. name, model: as the endpoint calls them.
    The key is in the environment variable FRAMEGEN_TTS_KEY, where one is needed. Redirects are not followed.
    Errors name the voice and never the address, which is not for a server's visitors.

    Raises OptionError for an impossible URL.
    """

    def __init__(self, url: str, name: str = "alloy", model: str = "tts-1", speed: float = 1.0) -> None:
        self._url = url.removesuffix("/").removesuffix("/audio/speech") + "/audio/speech"
        try:
            parts = urlsplit(self._url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise OptionError(f"--tts-url {url!r}: expected an address such as https://api.example.com/v1")
        if parts.username is not None or parts.password is not None:
            raise OptionError(f"--tts-url: a key does not belong into the address; put it into {KEY}")
        self._name, self._host = f"voice {name!r}", parts.hostname or ""
        self._spoken = {"model": model, "voice": name, "speed": speed, "response_format": "wav"}
        self._opener = urllib.request.build_opener(_NoRedirects)

    @property
    def fingerprint(self) -> str:
        """See `Voice`."""
        return f"{self._url} {json.dumps(self._spoken)}"

    def check(self, text: str) -> list[Sentence]:
        """See `Voice`; what the endpoint cannot speak is not known before."""
        return sentences_of(text)

    def speak(self, text: str, number: int) -> Iterator[VoiceSamples]:
        """See `Voice`; pieces come as the endpoint sends them."""
        given = 0
        try:
            with closing(self._ask(text)) as answer:
                for samples in _decoded(answer):
                    given += len(samples)
                    if given > LONGEST * RATE:
                        raise VoiceError(f"{self._name}: gives more than {LONGEST} s of audio for a sentence")
                    yield samples
        except av.FFmpegError as error:
            raise VoiceError(
                f"{self._name}: what came back cannot be decoded ({error.strerror}); expected a WAV file"
            ) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise VoiceError(
                f"{self._name}: cannot be reached or stopped answering ({self._shown(reason)}); check --tts-url"
            ) from error

    def _ask(self, text: str) -> IO[bytes]:
        headers = {"Content-Type": "application/json", "Accept": "audio/wav, audio/*", "User-Agent": "framegen"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        body = json.dumps(self._spoken | {"input": text}).encode()
        for left in reversed(range(TRIES)):
            request = urllib.request.Request(self._url, body, headers, method="POST")
            try:
                answer: IO[bytes] = self._opener.open(request, timeout=TIMEOUT)
                return answer
            except urllib.error.HTTPError as error:
                with error:
                    problem = error.read(500).decode("utf-8", "replace")
                if error.code not in BUSY or not left:
                    hint = f"put the key into {KEY}" if error.code in (401, 403) else "check address, model and voice"
                    reason = self._shown(problem or error.reason)
                    raise VoiceError(f"{self._name}: answered {error.code} ({reason}); {hint}") from error
                time.sleep(PAUSE * 2 ** (TRIES - left - 1))
        raise AssertionError("the last try returns or raises")

    def _shown(self, reason: object) -> str:
        """What went wrong, in one line that does not tell a server's visitors where the endpoint is."""
        error = reason if isinstance(reason, BaseException) else ValueError(str(reason))
        return quoted(error).replace(self._host, "the endpoint")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another host; it is an answer like any other that is no audio."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _decoded(answer: IO[bytes]) -> Iterator[VoiceSamples]:
    resampler = av.AudioResampler(format="fltp", rate=RATE)
    with av.open(_Forwards(answer), "r", options={"format_whitelist": FORMATS, "protocol_whitelist": ""}) as container:
        if not container.streams.audio:
            return
        for frame in chain(container.decode(container.streams.audio[0]), [None]):  # None: what it holds back
            for samples in resampler.resample(frame):
                yield samples.to_ndarray().mean(axis=0, dtype=np.float32)


class _Forwards:
    """A stream that is read once, as it comes; FFmpeg finds no way back in it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read1(size) if hasattr(self._stream, "read1") else self._stream.read(size)
