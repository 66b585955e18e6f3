"""How late an avatar's lips are, over a whole recording: each part is held out from a training of its own.

python -m benchmarks.folds speaker.mp4 -o folds/ [--folds 5] [--steps 900]

The recording is prepared as `framegen create` does it, its audio moved to its lips. Trainings begin and learn as there.
The lag is that of the held-out parts joined, without what is slower than a second, with the 95 % interval; positive
where lips come late. Interrupted, the same command goes on.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.markdown import print_header, print_row
from benchmarks.recipes import measure
from frame_generation_pipeline.evaluate.definitions import OUTPUT, RECORDING
from frame_generation_pipeline.evaluate.report import JSON
from frame_generation_pipeline.files.json_file import read_json
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.template.prepared import AUDIO, SUMMARY, find_features, recording_cuts
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.tracking.lag import measure_lag, without_slow_part
from frame_generation_pipeline.train.recipe import FOLLOWING
from frame_generation_pipeline.weights import STARTS


def write_fold(template: Path, folder: Path, first: int) -> None:
    """Write the same template, as if it began at the frame `first` and went on with what was before it."""
    opened, features = Template.open(template), find_features(template)
    order = np.roll(np.arange(len(opened)), -first)
    for kind in ("full_body_img", "landmarks"):
        (folder / kind).mkdir(parents=True)
    for new, old in enumerate(order.tolist()):
        image = opened.images[old]
        (folder / "full_body_img" / f"{new}{image.suffix}").hardlink_to(image)
        (folder / "landmarks" / f"{new}.lms").hardlink_to(opened.landmark_file(old))
    audio, rate = soundfile.read(template / AUDIO, dtype="int16")
    soundfile.write(folder / AUDIO, np.roll(audio, -first * len(audio) // len(opened)), rate)
    np.save(folder / features.name, np.load(features)[order])
    begins = sorted({int((cut - first) % len(order)) for cut in (0, *recording_cuts(template))} | {0})
    ranges = [{"first": begin} for begin in begins]
    (folder / SUMMARY).write_text(json.dumps(read_json(template / SUMMARY) | {"ranges": ranges}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=900, help="of each training")
    parser.add_argument("--network", choices=STARTS, default="mobile")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    template = arguments.output / "template"
    if not (template / SUMMARY).is_file():
        with show_progress(f"Preparing {arguments.recording.name}", "frames") as progress:
            prepare(arguments.recording, template, progress=progress)
    opened = Template.open(template)
    fps, size = read_json(template / SUMMARY)["fps"], len(opened) // arguments.folds
    print_header("held out", "lag", "95 % interval", "correlation of what is faster than a second", "spread")
    parts = []
    for number in range(arguments.folds):
        folder = arguments.output / f"fold{number}"
        if not (folder / SUMMARY).is_file():
            write_fold(template, folder, (number + 1) * size)
        run = arguments.output / f"run{number}_{arguments.network}_{arguments.steps}_{arguments.seed}"
        measure(run.name, folder, run, arguments.steps, recipe=FOLLOWING, network=arguments.network,
                start=STARTS[arguments.network], held_out=size / fps, seed=arguments.seed)  # fmt: skip
        openings = read_json(run / JSON)["openings"]
        parts.append(tuple(np.array(openings[name], float) for name in (OUTPUT, RECORDING)))
        begin = number * size / fps
        spread = np.nanstd(parts[-1][0]) / np.nanstd(parts[-1][1])
        print_row(f"{begin:g} to {begin + size / fps:g} s", "", "", "", f"{spread:.2f}")
    output, recording = (without_slow_part(np.concatenate(curves), fps) for curves in zip(*parts, strict=True))
    lag = measure_lag(output, recording, fps)
    if lag is None:
        raise SystemExit(f"{arguments.recording}: too little was seen of the lips to tell the lag")
    print_row("all", f"{lag.milliseconds:.0f} ms", f"{lag.low:.0f} to {lag.high:.0f} ms", f"{lag.correlation:.2f}", "")


if __name__ == "__main__":
    main()
