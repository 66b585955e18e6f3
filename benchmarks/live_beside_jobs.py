"""Whether a live session of the presenter keeps its frames and its latency while videos are made as jobs beside it.

    python -m benchmarks.live_beside_jobs [--jobs 0 1 2] [--runs 10] [--seconds 20]

For each number of jobs at once, a server of its own makes so many long videos of the presenter, while one session
speaks. Prints a table; it needs the extra `[serve]`, `httpx`, and a machine that does nothing else.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.live import measure_latency, speech
from benchmarks.live_receiver import marking
from benchmarks.live_server import RATE, Server
from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.server.live_renderer import LiveRenderer
from frame_generation_pipeline.server.running import serve
from frame_generation_pipeline.server.settings import ServerSettings

FIRST, INTERRUPTED = "first audio to first speaking frame by MP4", "interruption to its end"  # figures of `live.py`
LONG = 900.0  # seconds of a job's video, which is not completed meanwhile


@contextmanager
def making(pcm: bytes, jobs: int) -> Iterator[Server]:
    """A server that makes `jobs` videos at once."""
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "a.wav"
        with wave.open(str(audio), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(pcm * round(LONG * RATE * 2 / len(pcm)))
        command = [sys.executable, "-m", "benchmarks.live_beside_jobs", "--serve", folder, "--jobs", str(jobs)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            server = Server(process, process.stdout.readline().strip().rstrip("/"))
            try:
                for _ in range(jobs):
                    with audio.open("rb") as file:
                        server.client.post("/v1/videos", files={"audio": file}).raise_for_status()
                while started(server) < jobs:
                    time.sleep(0.2)
                yield server
            finally:
                process.terminate()


def serve_here(folder: Path, jobs: int) -> None:
    """Serve with jobs in `folder`, mark frames that speak, and print the address."""
    setattr(LiveRenderer, "make", marking(LiveRenderer.make))  # noqa: B010  # mypy allows no other way
    settings = ServerSettings(port=0, jobs=JobSettings(folder / "jobs", at_once=max(1, jobs)))
    serve(settings, lambda address: print(address, flush=True))


def started(server: Server) -> int:
    """Jobs whose frames are being made."""
    videos = server.client.get("/v1/videos").json()["data"]
    return sum(video["seconds_left"] is not None for video in videos)


def rate(server: Server, pcm: bytes, seconds: float) -> tuple[float, float]:
    """Frames a second of a session that speaks, and the share of them that were late."""
    with server.session(video=True) as talk:
        server.settle(talk)
        before = server.figures()
        talk.fragments = 0
        talk.say(pcm * (1 + round(seconds * RATE * 2 / len(pcm))))
        talk.watch(seconds)
        after = server.figures()
    late, frames = (after[name] - before[name] for name in ("framegen_frames_late_total", "framegen_frames_total"))
    return talk.fragments / seconds, late / frames


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=int, default=10, help="Utterances whose latency is measured.")
    parser.add_argument("--seconds", type=float, default=20, help="For which the session speaks.")
    parser.add_argument("--serve", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve_here(arguments.serve, *arguments.jobs)
        return
    pcm = speech()
    print_header("jobs at once", "frames a second", "late", f"{FIRST}, median; 95 %", "interruption, median")
    for jobs in arguments.jobs:
        with making(pcm, jobs) as server:
            frames, late = rate(server, pcm, arguments.seconds)
            found = measure_latency(server, pcm, arguments.runs)
        first, interrupted = (found[f"{name}, ms"] for name in (FIRST, INTERRUPTED))
        latency = f"{first['median']:.0f} ms; {first['p95']:.0f} ms"
        print_row(jobs, f"{frames:.1f}", f"{late:.1%}", latency, f"{interrupted['median']:.0f} ms")


if __name__ == "__main__":
    main()
