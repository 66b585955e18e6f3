"""Frames a second of this checkout beside another one's, each in processes of its own, in turn.

python -m benchmarks.versions --before ../before [--rounds 3] [--seconds 10] [--light]

The built-in presenter of each, 720x720, makes a video of random features: with her own network and, with `--light`,
in this checkout with the light network that comes along, beside her own in the other. Each face is seen for the first
time, or faces are kept in a file, which a run that is not counted fills. Both checkouts run with this Python's
packages. Prints the table of `docs/performance.md`: medians of the rounds, and the median of each round's ratio of
the time for a frame, so that whatever else the machine does meets both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.making.unpack import unpack_template
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.weights import PRESENTER, PRESENTER_LIGHT

HERE = Path(__file__).resolve().parent.parent

# What a process does: of any version, as far back as both ways to give a cache file go. argv: avatar, features, cache.
RUN = """
import json, resource, sys, tempfile, time
from pathlib import Path
started = time.time()
from frame_generation_pipeline import Avatar
avatar, features, cache = sys.argv[1:4]
options = {}
if cache:
    try:
        from frame_generation_pipeline.runtime.settings import Runtime
        options["runtime"] = Runtime(cache_file=Path(cache))
    except ImportError:
        options["cache_file"] = Path(cache)
person = Avatar.load(avatar, **options)
shown = []
with tempfile.TemporaryDirectory() as folder:
    begun = time.perf_counter()
    person.generate_video(
        None,
        Path(folder, "a.mp4"),
        audio_features_path=features,
        progress=lambda done, total: shown or shown.append(time.time()),
    )
    seconds = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": seconds, "first": shown[0] - started, "cpu": used.ru_utime + used.ru_stime}))
"""

Figures = dict[str, float]


def run(checkout: Path, avatar: Path, features: Path, cache: Path | None) -> Figures:
    """One video in a process of its own."""
    command = [sys.executable, "-c", RUN, str(avatar), str(features), str(cache or "")]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{checkout}: {done.stderr.strip()}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def row(name: str, frames: int, before: list[Figures], after: list[Figures]) -> list[str]:
    """The cells of a line of the table."""
    cells = [name]
    for figures in (before, after):
        fps = statistics.median(frames / each["seconds"] for each in figures)
        cpu = statistics.median(1000 * each["cpu"] / frames for each in figures)
        first = statistics.median(each["first"] for each in figures)
        cells += [f"{fps:.1f}", f"{cpu:.1f} ms", f"{first:.2f} s"]
    ratio = statistics.median(one["seconds"] / other["seconds"] for one, other in zip(before, after, strict=True))
    return [*cells, f"{ratio:.2f}"]


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--before", type=Path, required=True, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of the video")
    parser.add_argument("--light", action="store_true", help="also the presenter with the light network, in this one")
    arguments = parser.parse_args()
    if not (arguments.before / "src" / "frame_generation_pipeline").is_dir():
        parser.error(f"{arguments.before}: no checkout of this project; give the folder that has src/")
    with tempfile.TemporaryDirectory() as folder:
        theirs = arguments.before / PRESENTER.relative_to(HERE)
        pairs = [(theirs, PRESENTER)]
        if arguments.light:
            template = unpack_template(open_package(PRESENTER), Path(folder, "template"))
            light = Path(folder, "light.avatar")
            pack_avatar(light, checkpoint=PRESENTER_LIGHT, template=template.folder, precision="fp16")
            pairs.append((theirs, light))
        spec = open_package(PRESENTER).manifest.generator.audio
        frames = round(arguments.seconds * spec.fps)
        features = Path(folder, "features.npy")
        np.save(features, np.random.default_rng(0).standard_normal((frames, spec.feature_size)).astype(np.float32))
        each = ("CPU a frame", "first frame")
        print_header("", "fps before", *each, "fps after", *each, "ratio")
        for avatars in pairs:
            generators = [open_package(avatar).manifest.generator.name for avatar in reversed(avatars)]
            name = ", before ".join(dict.fromkeys(generators))
            sides = list(zip((arguments.before, HERE), avatars, strict=True))
            for kept in (False, True):
                caches = [Path(folder, f"{number}.faces") if kept else None for number in range(2)]
                if kept:
                    for side, cache in zip(sides, caches, strict=True):
                        run(*side, features, cache)
                measured: list[list[Figures]] = [[], []]
                for _ in range(arguments.rounds):
                    for side, cache, figures in zip(sides, caches, measured, strict=True):
                        figures.append(run(*side, features, cache))
                print_row(*row(f"{name}, {'faces kept' if kept else 'new faces'}", frames, *measured))
                for cache in caches:
                    if cache:
                        cache.unlink()


if __name__ == "__main__":
    main()
