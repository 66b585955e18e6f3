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

import httpx
from websockets.sync.client import ClientConnection, connect

from frame_generation_pipeline.server.running import serve
from frame_generation_pipeline.server.settings import Limits, ServerSettings

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
        """Wait until nothing waits for a worker: all faces and frames at rest are kept then."""
        while self.figures()["framegen_engine_queue"] > 2:
            talk.watch(0.5)

    @contextmanager
    def session(self, avatar: str = "presenter", *, video: bool = False) -> Iterator["Talk"]:
        """A session and its WebSocket. Raises httpx.HTTPStatusError."""
        answer = self.client.post("/v1/sessions", json={"avatar": avatar})
        answer.raise_for_status()
        url = f"/v1/sessions/{answer.json()['id']}"
        path = f"{self.address.replace('http', 'ws')}{url}/socket{'?video=fmp4' if video else ''}"
        try:
            with connect(path, max_size=None) as websocket:
                yield Talk(websocket)
        finally:
            self.client.delete(url)


class Talk:
    """One session's WebSocket: what is said, and when what came."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.socket = websocket
        self.ends = {1: 0.0, 2: 0.0}  # seconds of the MP4 that came of each track, by its `tfdt`
        self._scales = {1: 0, 2: 48_000}
        self.fragments = 0  # with an image

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

    def _look(self, data: bytes) -> None:
        if (place := data.find(b"mdhd")) > 0 and not self._scales[1]:  # the video track's time scale
            self._scales[1] = struct.unpack(">I", data[place + 16 : place + 20])[0]
        place = -1
        while (place := data.find(b"tfhd", place + 1)) > 0:
            track = struct.unpack(">I", data[place + 8 : place + 12])[0]
            decode = data.find(b"tfdt", place)
            wide = data[decode + 4] == 1
            (at,) = struct.unpack(">Q" if wide else ">I", data[decode + 8 : decode + (16 if wide else 12)])
            self.ends[track] = at / self._scales[track]
            self.fragments += track == 1


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
    """Serve with no limits for one client but the machine's, and print the address."""
    settings = ServerSettings(port=0, avatars=AVATARS, limits=Limits(sessions=1000, absence=ABSENCE))
    serve(settings, lambda address: print(address, flush=True))
