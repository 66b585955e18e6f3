"""Videos as jobs under fire: many clients ask at once while the server is killed again and again.

python -m benchmarks.jobs [--jobs 1000] [--clients 50] [--kills 20] [--seconds 0.2]

Each client asks for its share with idempotency keys, twice for each, and again wherever it gets no answer. The server,
a process of its own, is ended by `kill -9` at random moments and started again. In the end every key must stand for one
job, every job be completed, every video hold all of its frames, and every webhook have arrived. Prints the table of
`docs/jobs.md`; exit status 1 where anything is missing.
"""

import argparse
import io
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles
from typing import ClassVar

import av
import httpx
import numpy as np

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.jobs.settings import SECRET

AVATAR = "ave-160"  # of the conformance avatars: 131x97 pixels
AVATARS = Path(__file__).parent.parent / "conformance" / "avatars"
FPS = 25
PAUSE = (2.0, 6.0)  # seconds between a server that answers and its end


class Receiver(BaseHTTPRequestHandler):
    """Counts the webhooks of each job."""

    received: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        """Take one."""
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.received[event["data"]["id"]] += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server:
    """`framegen serve` on one port and folder, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address, self._folder = f"http://127.0.0.1:{self.port}", folder
        self.client = httpx.Client(base_url=self.address, timeout=60, limits=httpx.Limits())
        self.starts: list[float] = []  # seconds until it answered
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        began = time.monotonic()
        command = [sys.executable, "-m", "frame_generation_pipeline", "serve", "--port", str(self.port)]
        command += ["--avatars", str(AVATARS), "--jobs", str(self._folder), "--webhook-host", "127.0.0.1"]
        environment = os.environ | {SECRET: "a secret of the benchmark"}
        with (self._folder.parent / "log.txt").open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=environment)
        while True:
            try:
                if self.client.get("/healthz", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.05)
        self.starts.append(time.monotonic() - began)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()


def tone(seconds: float) -> bytes:
    """A tone as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        tone = 8000 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * 16_000)) / 16_000)
        writer.writeframes(tone.astype("<i2").tobytes())
    return file.getvalue()


def ask(
    server: Server, keys: list[str], audio: bytes, webhook: str, took: list[float], jobs: dict[str, set[str]]
) -> None:
    """One client: a job for each key, asked for twice, until it is answered."""
    for key in keys * 2:
        while True:
            began = time.monotonic()
            try:
                answer = server.client.post(
                    "/v1/videos",
                    data={"avatar": AVATAR, "webhook": webhook},
                    files={"audio": ("a.wav", audio)},
                    headers={"idempotency-key": key},
                )
            except httpx.HTTPError:
                time.sleep(random.uniform(0.1, 0.5))
                continue
            if answer.status_code in (200, 202):
                jobs.setdefault(key, set()).add(answer.json()["id"])
                took.append(time.monotonic() - began)
                break
            if answer.status_code != 503:
                raise RuntimeError(f"{answer.status_code}: {answer.text}")
            time.sleep(0.5)


def all_videos(server: Server) -> list[dict[str, object]]:
    """Every job that the server has."""
    videos: list[dict[str, object]] = []
    while True:
        after = {"after": str(videos[-1]["id"])} if videos else {}
        page = server.client.get("/v1/videos", params={"limit": 100, **after}).json()
        videos += page["data"]
        if not page["has_more"]:
            return videos


def frames_of(content: bytes) -> int:
    """Frames that a video has."""
    with av.open(io.BytesIO(content), "r") as container:
        return len(list(container.decode(video=0)))


def main() -> None:
    """Ask, kill, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each job's audio")
    arguments = parser.parse_args()
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    webhook = f"http://127.0.0.1:{receiver.server_port}/"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").mkdir()
        server, began = Server(Path(folder) / "jobs"), time.monotonic()
        took: list[float] = []
        jobs: dict[str, set[str]] = {}
        keys = [f"key-{number}" for number in range(arguments.jobs)]
        shares = [keys[number :: arguments.clients] for number in range(arguments.clients)]
        audio = tone(arguments.seconds)
        clients = [
            threading.Thread(target=ask, args=(server, share, audio, webhook, took, jobs), daemon=True)
            for share in shares
        ]
        for client in clients:
            client.start()
        for number in range(arguments.kills):
            time.sleep(random.uniform(*PAUSE))
            server.kill()
            server.start()
            print(f"killed {number + 1} times, {len(jobs)} jobs taken on", file=sys.stderr, flush=True)
        for client in clients:
            client.join()
        videos = all_videos(server)
        while any(video["status"] in ("queued", "in_progress") for video in videos):
            time.sleep(1)
            videos = all_videos(server)
        lasted = time.monotonic() - began
        expected = round(arguments.seconds * FPS)
        whole = sum(
            frames_of(server.client.get(str(video["content"])).content) == expected
            for video in videos
            if video["status"] == "completed"
        )
        until = time.monotonic() + 30
        while len(Receiver.received) < len(videos) and time.monotonic() < until:
            time.sleep(0.2)
        server.kill()
    once = sum(len(numbers) == 1 for numbers in jobs.values())
    rows = {
        "jobs asked for, by so many clients at once": f"{arguments.jobs}, {arguments.clients}",
        "`kill -9` of the server meanwhile": arguments.kills,
        "keys that stand for one job": once,
        "jobs in the end; completed; videos with all frames": f"{len(videos)}; "
        f"{sum(video['status'] == 'completed' for video in videos)}; {whole}",
        "jobs that a webhook told of; webhooks": f"{len(Receiver.received)}; {Receiver.received.total()}",
        "all of it": f"{lasted:.0f} s",
        "answer to a request, median; 95 %": f"{1000 * median(took):.0f} ms; {1000 * quantiles(took, n=20)[-1]:.0f} ms",
        "a killed server answers again, median": f"{median(server.starts[1:] or server.starts):.1f} s",
    }
    print_header("", "")
    for row in rows.items():
        print_row(*row)
    if not arguments.jobs == once == len(videos) == whole == len(Receiver.received):
        sys.exit("something is missing")


if __name__ == "__main__":
    main()
