"""A client of a session's WebSocket, and what it makes of the video."""

import io
import json
import time
from contextlib import ExitStack
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from websockets.sync.client import ClientConnection, connect

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

    def until(self, kind: str, seconds: float = 60, **fields: object) -> dict[str, object]:
        """The next event of that kind, with those fields; keeps all that comes before it."""
        end = time.monotonic() + seconds
        while True:
            message = self.socket.recv(timeout=end - time.monotonic())
            if isinstance(message, bytes):
                self.mp4 += message
                self.arrivals.append(time.monotonic())
                continue
            event: dict[str, object] = json.loads(message)
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


def decoded(mp4: bytes) -> tuple[list[tuple[float, npt.NDArray[np.int_]]], npt.NDArray[np.float32], float]:
    """Frames with their times, samples at 48 kHz, and the time of the first one."""
    with av.open(io.BytesIO(mp4), "r") as container:
        frames = [
            (frame.time or 0.0, frame.to_ndarray()[: frame.height].astype(int)) for frame in container.decode(video=0)
        ]
    with av.open(io.BytesIO(mp4), "r") as container:
        audio = list(container.decode(audio=0))
    assert audio[0].time is not None
    return frames, np.concatenate([frame.to_ndarray()[0] for frame in audio]), audio[0].time


def loud(samples: npt.NDArray[Any], start: float, size: int = 480) -> tuple[float, float]:
    """From when to when there is audio, in seconds."""
    levels = np.abs(samples[: len(samples) // size * size]).reshape(-1, size).mean(axis=1)
    places = np.flatnonzero(levels > 0.02)
    return start + places[0] * size / 48_000, start + (places[-1] + 1) * size / 48_000
