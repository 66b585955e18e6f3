"""How good networks look that cost the same: each learns for equally many core minutes, and is measured on the rest.

python -m benchmarks.equal_cost presenter.mp4 speaker.mp4 -o study/ [--core-minutes 12] [--seeds 0 1]

What a step costs is measured first, in seconds of one core, the networks in turn, so that whatever else the machine
does meets them all; from it follows how many steps each of them makes. They begin and learn as in `framegen create`.
Writes `study/equal_cost.json`, and for each recording and seed held-out mouths at three times their size: in the first
row the recording's, below them what each network paints. Prints the table of `docs/training.md`. Interrupted, the same
command goes on.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.recipes import measure, print_table
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.evaluate.evaluation import training_part
from frame_generation_pipeline.evaluate.rendering import Choice, reconstruct
from frame_generation_pipeline.evaluate.subject import Subject
from frame_generation_pipeline.files.json_file import read_json
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.generator.protocol import NetworkGenerator, choose_blend
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.template.landmarks import LIPS, read_landmarks
from frame_generation_pipeline.template.prepared import find_features
from frame_generation_pipeline.template.rest import lip_openings
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.dataset import TrainingSet
from frame_generation_pipeline.train.losses import GeneratorLoss
from frame_generation_pipeline.train.memory import keep_freed_memory
from frame_generation_pipeline.train.recipe import FOLLOWING
from frame_generation_pipeline.train.run import CHECKPOINTS, FACES, STATE
from frame_generation_pipeline.train.trainer import Trainer
from frame_generation_pipeline.weights import STARTS

WARM_UP, ROUNDS = 2, 10  # steps of each network before its costs count, and that count, from all of a training
SHOWN, ZOOM, MOUTH = 6, 3, 0.42  # mouths side by side; how many times their size; their side as a share of the box
STUDY = "equal_cost.json"


@dataclass(frozen=True)
class Cost:
    """What a network's training costs."""

    step: float  # seconds of one core
    steps: int  # that it makes


def costs(template: Path, folder: Path, core_minutes: float) -> dict[str, Cost]:
    """Measure every network that has a start, in turn: what it learns from is made and learned from, as in a run."""
    opened, features = Template.open(template), AudioFeatures.load(find_features(template))
    trainers = {}
    for name, start in STARTS.items():
        network = load_network(start)
        data = TrainingSet.build(opened, features, network.spec.face, range(0), folder / FACES, recipe=FOLLOWING)
        trainers[name] = Trainer(network, data, FOLLOWING, GeneratorLoss.of(FOLLOWING), device="cpu", seed=0)
    seconds: dict[str, list[float]] = {name: [] for name in trainers}
    with show_progress("Measuring", "rounds") as progress:
        for number in range(WARM_UP + ROUNDS):
            for name, trainer in trainers.items():
                before = time.process_time()
                trainer.step(trainer.batch(number), max(0, number - WARM_UP) / ROUNDS)
                seconds[name].append(time.process_time() - before)
            progress(number + 1, WARM_UP + ROUNDS)
    (folder / FACES).unlink()
    means = {name: float(np.mean(each[WARM_UP:])) for name, each in seconds.items()}
    return {name: Cost(mean, round(60 * core_minutes / mean)) for name, mean in means.items()}


def mouths(checkpoint: Path | None, template: Path, held_out: float) -> Frame:
    """Mouths that are held out, each the most open one of its part: as `evaluate` has them painted, or as they are."""
    opened, features = Template.open(template), AudioFeatures.load(find_features(template))
    count = min(len(opened), len(features))
    last = range(count - round(held_out * features.spec.fps), count)
    references = Choice.draw(training_part(count, last, features.spec), len(last), 0).references
    generator = Subject.load(checkpoint, device="cpu").generator if checkpoint else None
    assert generator is None or isinstance(generator, NetworkGenerator)
    openings = np.array(lip_openings(opened)[last.start : last.stop])
    shown = []
    for place in [int(part[openings[part].argmax()]) for part in np.array_split(np.arange(len(last)), SHOWN)]:
        frame = opened.read(last[place])
        image = frame.image
        if generator:
            window = feature_window(features.values, last[place], features.spec)
            image = reconstruct(generator, frame, opened.read(references[place]), window, choose_blend(generator, None))
        middle = read_landmarks(opened.landmark_file(last[place]))[LIPS].mean(axis=0)
        half = MOUTH * frame.box.size / 2
        left, top = np.maximum(np.rint(middle - half), 0).astype(int)
        square = image[top : top + round(2 * half), left : left + round(2 * half)]
        side = round(ZOOM * MOUTH * np.median([box.size for box in opened.boxes]))
        shown.append(cv2.resize(square, (side, side), interpolation=cv2.INTER_CUBIC))
    return np.hstack(shown)


def main() -> None:
    """Measure every network on every recording with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="+", help="videos, or the template folders of some")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--core-minutes", type=float, default=12.0, help="of each training; 12 are 6 of two cores")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--held-out", type=float, default=4.0, help="seconds at the end of each recording")
    parser.add_argument("--threads", type=int, default=1, help="cores that a step takes")
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    templates = {}
    for recording in arguments.recordings:
        templates[recording.stem] = recording
        if recording.is_file():
            with show_progress(f"Preparing {recording.name}", "frames") as progress:
                templates[recording.stem] = prepare(
                    recording, arguments.output / recording.stem, progress=progress
                ).folder
    study = arguments.output / STUDY
    if not study.is_file():
        results = costs(next(iter(templates.values())), arguments.output, arguments.core_minutes)
        with complete_file(study) as temporary:
            temporary.write_text(json.dumps({name: asdict(cost) for name, cost in results.items()}, indent=2))
    networks = {name: Cost(**cost) for name, cost in read_json(study).items()}
    rows = {}
    for seed in arguments.seeds:
        for name, template in templates.items():
            strips = [mouths(None, template, arguments.held_out)]
            for network, cost in networks.items():
                folder = arguments.output / f"{name}_{network}_{seed}"
                label = f"{name}, {network}, seed {seed}, {cost.steps} steps"
                rows[label] = measure(
                    label,
                    template,
                    folder,
                    cost.steps,
                    recipe=FOLLOWING,
                    start=STARTS[network],
                    held_out=arguments.held_out,
                    seed=seed,
                )
                for leftover in (FACES, STATE):  # 200 MB, which nothing needs any more
                    (folder / leftover).unlink(missing_ok=True)
                strips.append(mouths(folder / CHECKPOINTS[0], template, arguments.held_out))
                print_table({label: rows[label]})
            cv2.imwrite(str(arguments.output / f"{name}_{seed}.png"), np.vstack(strips))
    print_table(rows)


if __name__ == "__main__":
    main()
