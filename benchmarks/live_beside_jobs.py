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
from benchmarks.live_server import RATE, Server

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
        command = [sys.executable, "-m", "frame_generation_pipeline", "serve", "--port", "0"]
        command += ["--jobs", str(Path(folder) / "jobs"), "--jobs-at-once", str(max(1, jobs))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            server = Server(process, process.stdout.readline().split()[-1].rstrip("/"))
            try:
                for _ in range(jobs):
                    with audio.open("rb") as file:
                        server.client.post("/v1/videos", files={"audio": file}).raise_for_status()
                while started(server) < jobs:
                    time.sleep(0.2)
                yield server
            finally:
                process.terminate()


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
    arguments = parser.parse_args()
    pcm = speech()
    print("| jobs at once | frames a second | late | first audio to first frame, median; 95 % | interruption |")
    print("|---|---|---|---|---|")
    for jobs in arguments.jobs:
        with making(pcm, jobs) as server:
            frames, late = rate(server, pcm, arguments.seconds)
            found = measure_latency(server, pcm, arguments.runs)
        first, interrupted = found["first audio to first frame, ms"], found["interruption to its end, ms"]
        print(
            f"| {jobs} | {frames:.1f} | {late:.1%} | {first['median']:.0f} ms; {first['p95']:.0f} ms "
            f"| {interrupted['median']:.0f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
