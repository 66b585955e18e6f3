"""How long `framegen say` takes from enter to its first frame, for texts of several lengths, beside speaking all first.

python -m benchmarks.say [--rounds 3] [--avatar may.avatar]

Prints the table of `docs/say.md`: medians of the rounds, each a process of its own that ends with its first frame.
"Streamed" is `framegen say`; "all first" is the command that writes the whole audio to a WAV file, and then
`framegen generate` with that. "Computing" is the processor time of all cores until then.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.markdown import print_header, print_row

SENTENCES = ("Good morning, it is nice to see you.", "Today we look at how a face learns to speak, step by step.")
TEXTS = {"1 sentence": 1, "10 sentences": 10, "100 sentences": 100}
# The command line as it is, which ends where the first frame is reported.
FIRST_FRAME = """
import sys, time
from frame_generation_pipeline.cli import app, say_command, speaking_commands
from contextlib import contextmanager
@contextmanager
def first(label, unit, *, quiet=False):
    def update(done, total, note=""):
        print(time.time(), time.process_time(), flush=True)
        raise KeyboardInterrupt
    yield update
say_command.show_progress = speaking_commands.show_progress = first
try:
    app.main()
except KeyboardInterrupt:
    pass
"""


@dataclass(frozen=True)
class Took:
    """Seconds until something was reached."""

    clock: float
    computing: float  # of all cores, which other programs do not change

    def __add__(self, other: "Took") -> "Took":
        return Took(self.clock + other.clock, self.computing + other.computing)


def first_frame(*arguments: str) -> Took:
    """From the start of the command to its first frame."""
    began = time.time()
    command = [sys.executable, "-c", FIRST_FRAME, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    reached, computing = map(float, done.stdout.split())
    return Took(reached - began, computing)


def whole_audio(text: str, path: Path) -> Took:
    """Writing the whole audio of a text."""
    began, before = time.time(), os.times()
    subprocess.run([sys.executable, "-m", "frame_generation_pipeline", "say", text, "-o", path, "-q"], check=True)
    after = os.times()
    computing = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(time.time() - began, computing)


def shown(runs: list[Took]) -> tuple[str, str]:
    """The medians of several runs."""
    return f"{median(run.clock for run in runs):.1f} s", f"{median(run.computing for run in runs):.1f} s"


def main() -> None:
    """Measure each text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--avatar", help="the presenter when not given")
    arguments = parser.parse_args()
    avatar = [] if arguments.avatar is None else ["--avatar", arguments.avatar]
    print_header("text", "its audio", "streamed", "computing", "all first", "computing")
    for name, count in TEXTS.items():
        text = " ".join(SENTENCES[i % len(SENTENCES)] for i in range(count))
        streamed, spoken = [], []
        with tempfile.TemporaryDirectory() as folder:
            audio, video = Path(folder) / "a.wav", str(Path(folder) / "a.mp4")
            for _ in range(arguments.rounds):
                streamed.append(first_frame("say", text, "-o", video, *avatar))
                spoken.append(
                    whole_audio(text, audio) + first_frame("generate", "--audio", str(audio), "-o", video, *avatar)
                )
            with wave.open(str(audio)) as file:
                seconds = file.getnframes() / file.getframerate()
        print_row(name, f"{seconds:.0f} s", *shown(streamed), *shown(spoken))


if __name__ == "__main__":
    main()
