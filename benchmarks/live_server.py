"""What `live.py` measures: a server in a process of its own, and sessions of it."""

import json
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import httpx
from av.codec.context import Flags
from websockets.sync.client import ClientConnection, connect

from benchmarks.live_receiver import is_marked, marking, numbering
from frame_generation_pipeline.server.live_renderer import LiveRenderer
from frame_generation_pipeline.server.running import serve
from frame_generation_pipeline.server.settings import Limits, ServerSettings
from frame_generation_pipeline.speaking.conversation import Conversation

AVATARS = Path(__file__).parent.parent / "conformance" / "avatars"
TINY = "ave-160"  # one of them, that is opened and dropped a hundred times
RATE = 24_000  # Hz of what is said
MESSAGE = 2**18  # bytes of a binary message; the server takes four times as many
ABSENCE = 3.0  # seconds for which dropped sessions are kept here; 30 otherwise


class Server:
    """A server in a process of its own, and its figures."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self.process, self.address = process, address
        self.client = httpx.Client(base_url=address, timeout=60)

    def figures(self) -> dict[str, float]:
        """What `/metrics` tells, by the names there."""
        lines = self.client.get("/metrics").text.splitlines()
        return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}

    def threads(self) -> int:
        """Of the server's process."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def settle(self, talk: "Talk") -> None:
        """Wait until all faces and frames at rest are kept."""
        before, kept = -1.0, 0.0
        while kept != before:
            talk.watch(2.0)
            before, kept = kept, self.figures()["framegen_frames_at_rest"]

    @contextmanager
    def session(self, avatar: str = "presenter", *, video: bool = False) -> Iterator["Talk"]:
        """A session and its WebSocket. Raises httpx.HTTPStatusError."""
        answer = self.client.post("/v1/sessions", json={"avatar": avatar})
        answer.raise_for_status()
        url = f"/v1/sessions/{answer.json()['id']}"
        path = f"{self.address.replace('http', 'ws')}{url}/socket{'?video=fmp4' if video else ''}"
        try:
            with connect(path, max_size=None) as websocket:
                yield Talk(websocket, url)
        finally:
            self.client.delete(url)


class Talk:
    """One session's WebSocket: what is said, and when what came."""

    def __init__(self, websocket: ClientConnection, url: str) -> None:
        """url: the session's path."""
        self.socket, self.url = websocket, url
        self.ends = {1: 0.0, 2: 0.0}  # seconds of the MP4 that came of each track, by its `tfdt`
        self._scales = {1: 0, 2: 48_000}
        self.fragments = 0  # with an image
        self.decodes = False  # whether to look for frames that speak
        self.spoken: list[float] = []  # when those came, by `time.monotonic`, that follow one that does not speak
        self._speaks = False  # whether the newest frame does
        self._sample = 0  # bytes of the newest fragment's frame
        self._decoder: av.VideoCodecContext | None = None

    def send(self, kind: str, **fields: object) -> None:
        """A message."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def say(self, pcm: bytes) -> None:
        """A whole utterance at once."""
        self.send("agent.speak", sample_rate=RATE)
        for start in range(0, len(pcm), MESSAGE):
            self.socket.send(pcm[start : start + MESSAGE])
        self.send("agent.speak_end")

    def until(self, kind: str, seconds: float = 60.0) -> dict[str, Any]:
        """The next event of a kind."""
        end = time.monotonic() + seconds
        while True:
            message = self.socket.recv(timeout=max(0.0, end - time.monotonic()))
            if isinstance(message, bytes):
                self._look(message)
            elif (event := json.loads(message))["type"] == kind:
                return dict(event)

    def watch(self, seconds: float) -> None:
        """Take what comes for so long."""
        try:
            self.until("never", seconds)
        except TimeoutError:
            return

    def spoke_after(self, moment: float) -> float | None:
        """When a frame that speaks came after a moment of `time.monotonic`, and after one that does not; or None."""
        return next((when for when in self.spoken if when > moment), None)

    def _look(self, data: bytes) -> None:
        now = time.monotonic()
        for kind, box in _boxes(data):
            if kind == b"moov":
                place = box.index(b"mdhd")  # the first one is the video track's
                self._scales[1] = struct.unpack(">I", box[place + 16 : place + 20])[0]
                self._decoder = _decoder(box)
            elif kind == b"moof":
                self._sample = self._look_at_tracks(box)
            elif kind == b"mdat" and self._sample and self.decodes and self._decoder is not None:
                for frame in self._decoder.decode(av.Packet(box[: self._sample])):
                    before, self._speaks = self._speaks, is_marked(frame)
                    self.spoken += [now] if self._speaks and not before else []

    def _look_at_tracks(self, fragment: bytes) -> int:
        """Take the times of a fragment's tracks; returns the bytes of its frame, which come first, 0 without any."""
        sample, place = 0, -1
        while (place := fragment.find(b"tfhd", place + 1)) > 0:
            track, _, size = struct.unpack(">III", fragment[place + 8 : place + 20])
            decode = fragment.index(b"tfdt", place)
            wide = fragment[decode + 4] == 1
            (at,) = struct.unpack(">Q" if wide else ">I", fragment[decode + 8 : decode + (16 if wide else 12)])
            self.ends[track] = at / self._scales[track]
            if track == 1:
                self.fragments += 1
                sample = size
        return sample


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of an MP4, one after the other: kind, and what is in it."""
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], data[place + 8 : place + size]
        place += size


def _decoder(header: bytes) -> av.VideoCodecContext:
    """What decodes an MP4's video frame by frame, from its header."""
    place = header.index(b"avcC")
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.extradata = header[place + 4 : place - 4 + int.from_bytes(header[place - 4 : place], "big")]
    decoder.flags |= Flags.low_delay
    decoder.thread_count = 1
    return decoder


@contextmanager
def running() -> Iterator[Server]:
    """A server that runs `serve_here`."""
    command = [sys.executable, "-m", "benchmarks.live", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        server = Server(process, process.stdout.readline().strip().rstrip("/"))
        try:
            while server.client.get("/readyz").status_code != 200:
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()


def serve_here() -> None:
    """Serve with no limits for one client but the machine's, mark and number frames that speak, print the address."""
    setattr(LiveRenderer, "make", marking(LiveRenderer.make))  # noqa: B010  # mypy allows no other way
    setattr(Conversation, "_make", numbering(Conversation._make))  # noqa: B010
    settings = ServerSettings(port=0, avatars=AVATARS, limits=Limits(sessions=1000, absence=ABSENCE))
    serve(settings, lambda address: print(address, flush=True))
