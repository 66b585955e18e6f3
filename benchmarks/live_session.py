"""Whether a live session stays as it begins: minutes of speech in pieces of 20 ms, and frames taken one by one.

python -m benchmarks.live_session [speech.wav] [--minutes 10] [--avatar may.avatar]

The speech, demo/hello.ogg by default, is repeated until it is long enough. The frames come as fast as they are made.
Prints the threads and the resident memory (Linux) over time, and whether the frames are, bit for bit, those that the
same audio gives as a file; the exit status is 1 where they are not.
"""

import argparse
import hashlib
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from frame_generation_pipeline.arrays import Frame, Samples
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import SAMPLE_RATE
from frame_generation_pipeline.weights import PRESENTER

HELLO = Path(__file__).parent.parent / "demo" / "hello.ogg"
PIECE = SAMPLE_RATE // 50  # samples of 20 ms
ROWS = 10  # of the table


def write_long(speech: Path, minutes: float, path: Path) -> Samples:
    """Write the speech, repeated up to so many minutes, as a WAV file, and return the samples that it holds."""
    once = np.concatenate(list(decode_audio(speech)))
    levels = (32767 * np.clip(np.resize(once, round(60 * minutes * SAMPLE_RATE)), -1, 1)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(levels.tobytes())
    return np.concatenate(list(decode_audio(path)))


def digest_live(avatar: Avatar, samples: Samples) -> str:
    """Push the samples in pieces, take every frame, and print what the process holds meanwhile."""
    session = avatar.live()

    def push() -> None:
        for start in range(0, len(samples), PIECE):
            session.push(samples[start : start + PIECE])
        session.finish()

    total = round(len(samples) / SAMPLE_RATE * avatar.generator.spec.audio.fps)
    shown = {round(total * row / ROWS) for row in range(1, ROWS + 1)} | {1}
    found, began = hashlib.sha256(), time.monotonic()
    threading.Thread(target=push, daemon=True).start()
    print(f"{'frames':>8} {'seconds':>8} {'threads':>8} {'MB':>8}")
    for count, frame in enumerate(session.frames(), start=1):
        found.update(frame.tobytes())
        if count in shown:
            seconds = time.monotonic() - began
            print(f"{count:8} {seconds:8.0f} {threading.active_count():8} {resident():8.0f}", flush=True)
    return found.hexdigest()


def digest(frames: Iterable[Frame]) -> str:
    """The SHA-256 of all frames, one after the other."""
    found = hashlib.sha256()
    for frame in frames:
        found.update(frame.tobytes())
    return found.hexdigest()


def resident() -> float:
    """Megabytes of memory that this process holds."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, nargs="?", default=HELLO)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--avatar", type=Path, default=PRESENTER)
    arguments = parser.parse_args()
    avatar = Avatar.load(arguments.avatar)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "long.wav")
        live = digest_live(avatar, write_long(arguments.speech, arguments.minutes, path))
        same = live == digest(avatar.frames(path))
    print("the frames are those of the file" if same else "the frames differ from those of the file")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
