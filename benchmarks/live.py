"""Measure live sessions of the presenter, in one run: latency, interruption, how many are held, and what an hour costs.

    python -m benchmarks.live --minutes 60 > live.json

A server of its own is measured from outside, by its WebSockets and `/metrics`; it needs the extra `[serve]`, `httpx`,
and a machine that does nothing else. Progress goes to standard error.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.exceptions import ConnectionClosed

from benchmarks.live_drops import WAYS
from benchmarks.live_receiver import Receiver, receiving
from benchmarks.live_server import ABSENCE, RATE, TINY, Server, Talk, running, serve_here
from frame_generation_pipeline.media.audio_encoder import read_audio

ROOT = Path(__file__).parent.parent
SPEECH = ROOT / "demo" / "hello.ogg"
DROPPED = 100
IDLE_SECONDS = 8.0  # for which sessions idle that are measured
PIECE = 0.02  # seconds of audio in real time
TONE = 0.1  # seconds
PAUSE = 1.0  # seconds between the utterances of the long run
LONGEST = 60.0  # seconds until something is said
BUSY = 600.0  # the same on a machine that does much else


def speech() -> bytes:
    """A tone, by whose beginning audio is compared with video, and the demo's sentence, as PCM16."""
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(round(TONE * RATE)) / RATE)
    samples = np.concatenate([tone, *(piece[:, 0] for piece in read_audio(SPEECH, RATE, "mono"))])
    return (samples.clip(-1, 1) * 32767).astype("<i2").tobytes()


def spread(seconds: list[float]) -> dict[str, float]:
    """Milliseconds: median, 95th percentile and worst."""
    values = np.array(seconds) * 1000
    return {
        "median": round(float(np.median(values)), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
        "worst": round(float(values.max()), 1),
        "runs": len(seconds),
    }


def measure_latency(server: Server, pcm: bytes, runs: int) -> dict[str, Any]:
    """From the first byte of audio that is sent to the arrival of the first frame whose mouth speaks; interruptions."""
    interrupted: list[float] = []
    with server.session(video=True) as talk:
        talk.decodes = True  # from the first frame on, which is a key frame
        server.settle(talk)
        by_mp4 = [_first_frame(talk, talk, pcm, run, interrupted) for run in range(runs)]
    with server.session() as talk, receiving(f"{server.address}{talk.url}/whep") as receiver:
        talk.watch(2.0)
        by_webrtc = [_first_frame(talk, receiver, pcm, run, interrupted) for run in range(runs)]
        real_time = [_in_real_time(talk, receiver, pcm) for _ in range(max(1, runs // 3))]
    return {
        "first audio to first speaking frame by WebRTC, ms": spread(by_webrtc),
        "first audio to first speaking frame by MP4, ms": spread(by_mp4),
        "interruption to its end, ms": spread(interrupted),
        "sample to frame by WebRTC, audio in real time, ms": spread(real_time),
    }


def _first_frame(talk: Talk, seeing: Talk | Receiver, pcm: bytes, run: int, interrupted: list[float]) -> float:
    """Seconds from the first audio to the first speaking frame; appends those from an interruption to its end."""
    started = time.monotonic()
    talk.say(pcm)
    found = _wait(talk, seeing, started) - started
    talk.watch(0.5 + 0.37 * (run % 3))
    started = time.monotonic()
    talk.send("agent.interrupt")
    talk.until("agent.speak_ended")
    interrupted.append(time.monotonic() - started)
    talk.watch(0.5 + run % 7 * 0.013)
    return found


def _wait(talk: Talk, seeing: Talk | Receiver, started: float) -> float:
    """When the first speaking frame came after `started`; `talk` takes what comes meanwhile."""
    while (came := seeing.spoke_after(started)) is None:
        if time.monotonic() - started > LONGEST:
            raise TimeoutError("nothing is said")
        talk.watch(0.02)
    return came


def _in_real_time(talk: Talk, receiver: Receiver, pcm: bytes) -> float:
    """Seconds from the first sample to its frame, and from then on, because speech never pauses."""
    started = time.monotonic()
    size = round(PIECE * RATE) * 2

    def push() -> None:
        talk.send("agent.speak", sample_rate=RATE)
        for number, start in enumerate(range(0, len(pcm), size)):
            time.sleep(max(0.0, started + (number + 1) * PIECE - time.monotonic()))
            talk.socket.send(pcm[start : start + size])
        talk.send("agent.speak_end")

    pushing = threading.Thread(target=push)
    pushing.start()
    latency = _wait(talk, receiver, started) - started
    talk.until("agent.speak_ended")
    pushing.join()
    talk.watch(0.5)
    return latency


def measure_capacity(server: Server, pcm: bytes, seconds: float) -> dict[str, Any]:
    """How many sessions are admitted, and what frame rate they hold while all of them speak."""
    with ExitStack() as stack:
        talks: list[Talk] = []
        while True:
            try:
                talks.append(stack.enter_context(server.session(video=True)))
            except httpx.HTTPStatusError as error:
                refused = error.response.status_code
                break
        server.settle(talks[0])
        resting = server.figures()
        talks[0].watch(IDLE_SECONDS)
        before = server.figures()
        for talk in talks:
            talk.fragments = 0
            talk.say(pcm * (1 + round(seconds * RATE * 2 / len(pcm))))
        watching = [threading.Thread(target=talk.watch, args=(seconds,)) for talk in talks]
        for thread in watching:
            thread.start()
        for thread in watching:
            thread.join()
        after = server.figures()
    late = after["framegen_frames_late_total"] - before["framegen_frames_late_total"]
    return {
        "processor time a frame, idle, ms": _cost(resting, before),
        "processor time a frame, speaking, ms": _cost(before, after),
        "sessions": len(talks),
        "answer to one more": refused,
        "frames a second": [round(talk.fragments / seconds, 2) for talk in talks],
        "share of frames that were late": round(
            late / (after["framegen_frames_total"] - before["framegen_frames_total"]), 4
        ),
    }


def _cost(before: dict[str, float], after: dict[str, float]) -> float:
    """Milliseconds of one core for a frame of one session."""
    seconds, frames = (after[name] - before[name] for name in ("process_cpu_seconds_total", "framegen_frames_total"))
    return round(1000 * seconds / frames, 1)


def measure_hour(server: Server, pcm: bytes, minutes: float) -> dict[str, Any]:
    """One session that speaks beside one that idles: how far video and audio are apart, memory, descriptors."""
    rows: list[dict[str, float]] = []
    with ExitStack() as stack:
        idling = stack.enter_context(server.session(TINY, video=True))  # at first, while the machine carries it
        threading.Thread(target=_take, args=(idling, minutes * 60 + BUSY), daemon=True).start()
        speaking = stack.enter_context(server.session(video=True))
        receiver = stack.enter_context(receiving(f"{server.address}{speaking.url}/whep"))
        started, last = time.monotonic(), 0.0
        while time.monotonic() - started < minutes * 60 + 10:
            idling.send("session.keep_alive")  # a session without any message ends after ten minutes
            speaking.say(pcm)
            speaking.until("agent.speak_ended", BUSY)
            speaking.watch(PAUSE)  # in which the next utterance's beginning is told from this one
            now = time.monotonic() - started
            if now - last > 60 or not rows:
                last = now
                rows.append(_row(server, speaking, now))
                print(json.dumps(rows[-1]), file=sys.stderr)
        rows.append(_row(server, speaking, time.monotonic() - started))
        skews, late, idle_frames = receiver.skews(), receiver.late_beginnings(), idling.fragments
    quarter = max(1, len(skews) // 4)
    return {
        "frames of the one that idles": idle_frames,
        "first": rows[0],
        "last": rows[-1],
        "most memory, MB": max(row["memory, MB"] for row in rows),
        "most video before audio in the MP4, ms": max(abs(row["video before audio, ms"]) for row in rows),
        "utterances whose first frame was late": late,
        "video and audio apart by sender reports, ms": spread([abs(skew) for skew in skews]),
        "the same, first quarter": spread([abs(skew) for skew in skews[:quarter]]),
        "the same, last quarter": spread([abs(skew) for skew in skews[-quarter:]]),
    }


def _take(talk: Talk, seconds: float) -> None:
    """Take what a session sends until it ends."""
    with suppress(ConnectionClosed):
        talk.watch(seconds)


def _row(server: Server, talk: Talk, now: float) -> dict[str, float]:
    figures = server.figures()
    return {
        "minutes": round(now / 60, 2),
        "video before audio, ms": round((talk.ends[1] - talk.ends[2]) * 1000, 1),
        "clock behind the wall's, ms": round((now - talk.ends[1]) * 1000, 1),
        "memory, MB": round(figures["process_resident_memory_bytes"] / 1e6, 1),
        "descriptors": figures["process_open_fds"],
        "threads": server.threads(),
        "frames": figures["framegen_frames_total"],
        "late frames": figures["framegen_frames_late_total"],
    }


def measure_drops(server: Server) -> dict[str, Any]:
    """A hundred sessions that are opened and left in bad ways, twice: what stays of them."""
    found: list[tuple[float, float, int]] = []
    for _ in range(2):  # what the first hundred leave is what any first use leaves
        for number in range(DROPPED):
            while (answer := server.client.post("/v1/sessions", json={"avatar": TINY})).status_code == 503:
                time.sleep(ABSENCE / 2)
            answer.raise_for_status()
            WAYS[number % len(WAYS)](server.address, f"/v1/sessions/{answer.json()['id']}")
        while server.figures()["framegen_sessions"]:
            time.sleep(0.5)
        figures = server.figures()
        found.append((figures["process_resident_memory_bytes"] / 1e6, figures["process_open_fds"], server.threads()))
    names = ("memory, MB", "descriptors", "threads")
    return {name: {"after 100": one, "after 200": two} for name, one, two in zip(names, *found, strict=True)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="Utterances whose latency is measured.")
    parser.add_argument("--seconds", type=float, default=30, help="For which all sessions speak.")
    parser.add_argument("--minutes", type=float, default=60, help="For which one session speaks beside one that idles.")
    parser.add_argument("--only", choices=["latency", "capacity", "drops", "hour"], help="Measure nothing else.")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve_here()
        return
    pcm, found = speech(), {}
    measures: dict[str, Callable[[Server], dict[str, Any]]] = {
        "latency": lambda server: measure_latency(server, pcm, arguments.runs),
        "capacity": lambda server: measure_capacity(server, pcm, arguments.seconds),
        "drops": measure_drops,
        "hour": lambda server: measure_hour(server, pcm, arguments.minutes),
    }
    if arguments.only is not None:
        measures = {arguments.only: measures[arguments.only]}
    for name, measure in measures.items():
        with running() as server:
            found[name] = measure(server)
        print(json.dumps({name: found[name]}), file=sys.stderr)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
