"""The hosts in other languages beside Python: speed from end to end, first frame, memory, size.

    python -m benchmarks.hosts [--runs 5] [--person dataset/May --checkpoint 5.pth] [--minutes 10]

Makes the same videos by Python and by every host in `bin/`, in turn, so that whatever else the machine does meets all
of them, and prints the medians as tables for `docs/performance.md`: of the built-in presenter from `demo/hello.ogg`
and, where a recording is given, of its package from features.

- fps: frames over the time of the whole command, from the start of the process to the finished mp4.
- first frame: the time of a whole command that makes one frame as PNG, from the start of the process.
- memory: the most at any moment that the process and all that it runs take together, in a run of its own, because
  looking takes up to a third of a core. What they have mapped of the same file counts once. Linux alone tells so much.

`--minutes 10` makes one long video by each host instead and prints its memory in each tenth of the time.
"""

import argparse
import statistics
import subprocess
import sys
import time
import wave
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.spec import SAMPLE_RATE

ROOT = Path(__file__).resolve().parents[1]
HOSTS = ("framegen-go", "framegen-swift")
PYTHON = (sys.executable, "-m", "frame_generation_pipeline")
SAMPLED = 0.1  # seconds between two looks at the memory
TENTHS = 10


def seconds_of(command: list[str]) -> float:
    """How long a command takes. Raises subprocess.CalledProcessError when it fails."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def memory_of(command: list[str]) -> list[int]:
    """Bytes of memory that all processes of a command take, again and again until it ends.

    Raises subprocess.CalledProcessError when it fails.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    memory = []
    while True:
        try:
            code = process.wait(SAMPLED)
            break
        except subprocess.TimeoutExpired:
            memory.append(_memory(process.pid))
    if code:
        raise subprocess.CalledProcessError(code, command)
    return memory


def _memory(process: int) -> int:
    """Bytes of memory of a process and all its descendants, of what they share by files only one's."""
    own, shared = 0, defaultdict[str, int](int)
    for one in _family(process):
        mapped = defaultdict[str, int](int)
        name = ""
        try:
            for line in Path(f"/proc/{one}/smaps").read_text("utf-8", "replace").splitlines():
                key, _, rest = line.partition(" ")
                if not key.endswith(":"):
                    name = rest.split(maxsplit=4)[4] if len(rest.split(maxsplit=4)) > 4 else ""
                elif key == "Rss:":
                    mapped[name] += int(rest.split()[0]) << 10
                elif key == "Anonymous:":
                    own += int(rest.split()[0]) << 10
                    mapped[name] -= int(rest.split()[0]) << 10
        except OSError:  # it has ended
            continue
        for name, size in mapped.items():
            shared[name] = max(shared[name], size)
    return own + sum(shared.values())


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        children = [(thread / "children").read_text() for thread in Path(f"/proc/{process}/task").iterdir()]
    except OSError:
        return
    for child in " ".join(children).split():
        yield from _family(int(child))


@dataclass(frozen=True)
class Case:
    """What is made: options of `generate`, the same for every host, and the same ones for a single frame."""

    name: str
    options: list[str]
    one_frame: list[str]


def cases(work: Path, person: Path | None, checkpoint: Path | None) -> list[Case]:
    """The presenter, and the recording where one is given; its package is made in the folder `work`."""
    hello = ROOT / "demo/hello.ogg"
    found = [Case("presenter, Vorbis", ["--audio", str(hello)], ["--audio", str(_wav(work / "one.wav", hello, 640))])]
    if person is None or checkpoint is None:
        return found
    package, features = work / "person", AudioFeatures.load(next(person.glob("aud_*.npy")))
    pack = ["pack", "--checkpoint", str(checkpoint), "--template", str(person), "--output", str(package)]
    subprocess.run([*PYTHON, *pack], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    paths = work / "all.npy", work / "one.npy"
    for path, count in zip(paths, (len(features), 1), strict=True):
        AudioFeatures(np.array(features.values[:count]), features.spec).save(path)
    options, one = (["--avatar", str(package), "--features", str(path)] for path in paths)
    return [*found, Case("recording, features", options, one)]


def _wav(path: Path, audio: Path, samples: int) -> Path:
    """The first `samples` of audio as 16 bits at 16 kHz, repeated where it is shorter."""
    values = np.concatenate(list(decode_audio(audio)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((32767 * np.resize(values, samples)).astype("<i2").tobytes())
    return path


def commands() -> dict[str, list[str]]:
    """Python and the hosts that are built, by name."""
    built = {name: [str(ROOT / "bin" / name)] for name in HOSTS if (ROOT / "bin" / name).exists()}
    return {"Python": list(PYTHON)} | built


def compare(case: Case, runs: int, work: Path) -> None:
    """Print a case's table."""
    video, images = work / "result.mp4", work / "images"
    first, whole = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    makes_video = {name: [*command, "generate", "--quiet", *case.options, "-o"] for name, command in commands().items()}
    peak = {name: max(memory_of([*command, str(video)])) for name, command in makes_video.items()}
    count = sum(1 for _ in read_frames(video))
    for _ in range(runs):
        for name, command in commands().items():
            one_frame = [*command, "generate", "--quiet", *case.one_frame, "--frames-dir", str(images)]
            first[name].append(seconds_of(one_frame))
            whole[name].append(seconds_of([*makes_video[name], str(video)]))
    print(f"\n{case.name}, {count} frames\n")
    print_header("", "fps", "of Python's", "first frame, s", "peak memory, MB", "of Python's", "binary, MB")
    fps = {name: count / statistics.median(seconds) for name, seconds in whole.items()}
    for name, (program, *_) in commands().items():
        size = "" if name == "Python" else f"{Path(program).stat().st_size / 1e6:.1f}"
        speed = f"{fps[name]:.1f}", f"{fps[name] / fps['Python']:.2f}", f"{statistics.median(first[name]):.2f}"
        print_row(name, *speed, f"{peak[name] / 1e6:.0f}", f"{peak[name] / peak['Python']:.2f}", size)


def long_video(minutes: float, work: Path) -> None:
    """Print each host's memory through a long video of the presenter: the most in each tenth of the time, in MB."""
    audio = _wav(work / "long.wav", ROOT / "demo/hello.ogg", int(60 * minutes * SAMPLE_RATE))
    print(f"\nMemory through {minutes:g} minutes of video, MB: the most in each tenth of the time\n")
    for name, command in commands().items():
        if name == "Python":
            continue
        memory = memory_of([*command, "generate", "--quiet", "--audio", str(audio), "-o", str(work / "long.mp4")])
        tenths = [max(part) for part in np.array_split(memory, TENTHS)]
        print(f"{name}: {', '.join(f'{most / 1e6:.0f}' for most in tenths)}")


def main() -> None:
    """Measure every host."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each; medians are shown")
    parser.add_argument("--person", type=Path, help="template folder of a recording with its features")
    parser.add_argument("--checkpoint", type=Path, help="generator of that recording")
    parser.add_argument("--minutes", type=float, help="make one video of this length instead, and sample its memory")
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        work = Path(temporary)
        if arguments.minutes is not None:
            long_video(arguments.minutes, work)
            return
        for case in cases(work, arguments.person, arguments.checkpoint):
            compare(case, arguments.runs, work)


if __name__ == "__main__":
    main()
