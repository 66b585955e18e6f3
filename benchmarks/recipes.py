"""Compare training recipes: each is trained for as many steps on one template, then measured on what it held out.

python -m benchmarks.recipes dataset/may -o study/ --steps 300

All begin from the generator that comes with the package, as `framegen create` does; with --scratch from nothing. The
opening's spread is its standard deviation in the output, relative to that in the recording. Writes
`study/recipes.json` and prints the table that `docs/training.md` shows. Interrupted, the same command goes on.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.evaluate.definitions import OUTPUT, RECORDING
from frame_generation_pipeline.evaluate.report import JSON, evaluate_files
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.train.recipe import DEFAULT, FOLLOWING, Recipe
from frame_generation_pipeline.train.run import Duration, train
from frame_generation_pipeline.weights import STARTS

CHANGES: dict[str, dict[str, float]] = {
    "default": {},
    "no mouth loss": {"mouth": 0.0},
    "mouth loss 0.5": {"mouth": 0.5},
    "mouth loss 2": {"mouth": 2.0},
    "mouth loss 6": {"mouth": 6.0},
    "no perceptual loss": {"perceptual": 0.0},
    "perceptual loss 0.3": {"perceptual": 0.3},
    "temporal loss 1": {"temporal": 1.0},
    "SyncNet loss 1": {"sync": 1.0},
    "weights by opening": {"opening": 0.7},
    "no adversarial loss": {"adversarial": 0.0},
    "lips apart in pauses": {"parted": True},
    "noise on features, 0.5": {"noise": 0.5},
    "audio model learns": {"audio_rate": 1.0},
    "half of the rate": {"learning_rate": 5e-4},
    "boxes not moved": {"jitter": 0.0},
}
Figures = dict[str, float | None]
FIGURES = (
    "face_psnr",
    "face_ssim",
    "mouth_psnr",
    "mouth_ssim",
    "mouth_sharpness",
    "lip_distance",
    "opening_correlation",
    "opening_spread",
    "lag",
    "mouth_jitter",
)


def measure(
    name: str,
    template: Path,
    folder: Path,
    steps: int,
    *,
    recipe: Recipe,
    network: str = "light",
    start: Path | None,
    held_out: float,
    seed: int,
) -> Figures:
    """Train a generator in `folder` and evaluate it there, unless that was done before; its figures by their names."""
    if not (folder / JSON).is_file():
        with show_progress(name, "steps") as progress:
            checkpoint = train(
                template,
                folder,
                Duration(steps=steps),
                network=network,
                recipe=recipe,
                start=start,
                held_out=held_out,
                seed=seed,
                resume=True,
                progress=progress,
            )
        evaluate_files(checkpoint, template, folder)
    evaluation = json.loads((folder / JSON).read_text())
    figures = {name: figure["values"].get("output") for name, figure in evaluation["figures"].items()}
    output, recording = (np.array(evaluation["openings"][name], float) for name in (OUTPUT, RECORDING))
    seen = np.isfinite(output) & np.isfinite(recording)
    figures["opening_spread"] = float(output[seen].std() / recording[seen].std())
    return {figure: figures[figure] for figure in FIGURES}


def print_table(rows: dict[str, Figures]) -> None:
    """Print what was measured, a line for each of `rows`."""
    print_header("", *FIGURES)
    for name, figures in rows.items():
        shown = ("-" if figures[figure] is None else f"{figures[figure]:.3g}" for figure in FIGURES)
        print_row(name, *shown)


def main() -> None:
    """Measure every recipe that was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("template", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="others tell how much of a difference is chance")
    parser.add_argument("--held-out", type=float, default=5.0, help="seconds at the end; a training's own default is 2")
    parser.add_argument("--only", nargs="*", choices=CHANGES, metavar="RECIPE")
    parser.add_argument("--network", choices=STARTS, default="light")
    parser.add_argument("--batch", type=int, help="samples a step [default: the recipe's]")
    parser.add_argument("--perceptual", type=float, help="weight of this loss, in all recipes but those that change it")
    parser.add_argument("--scratch", action="store_true", help="begin from nothing, with the default recipe")
    arguments = parser.parse_args()
    start, recipe = (None, DEFAULT) if arguments.scratch else (STARTS[arguments.network], FOLLOWING)
    recipe = recipe.changed({"batch": arguments.batch, "perceptual": arguments.perceptual})
    recipes = {name: recipe.changed(values) for name, values in CHANGES.items()}
    different = [name for name in recipes if name == "default" or recipes[name] != recipe]
    figures = {}
    for name in arguments.only or different:
        run = f"{name}_{arguments.network}_{arguments.steps}_{arguments.seed}_{arguments.held_out:g}"
        figures[name] = measure(
            name,
            arguments.template,
            arguments.output / run.replace(",", "").replace(" ", "_"),
            arguments.steps,
            recipe=recipes[name],
            network=arguments.network,
            start=start,
            held_out=arguments.held_out,
            seed=arguments.seed,
        )
    study = {"steps": arguments.steps, "seed": arguments.seed, "held_out": arguments.held_out, "recipes": figures}
    (arguments.output / "recipes.json").write_text(json.dumps(study, indent=2))
    print_table(figures)


if __name__ == "__main__":
    main()
