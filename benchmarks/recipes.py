"""Compare training recipes: each is trained for as many steps on one template, then measured on what it held out.

python benchmarks/recipes.py dataset/may -o study/ --steps 300

Writes `study/recipes.json` and prints the table that `docs/training.md` shows. Interrupted, the same command goes on.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from frame_generation_pipeline.evaluate.report import JSON, evaluate_files
from frame_generation_pipeline.progress import show_progress
from frame_generation_pipeline.train.recipe import DEFAULT, Recipe
from frame_generation_pipeline.train.run import Duration, train

HELD_OUT = 5.0  # seconds; more than a training holds out by default, for steadier figures
VARIANTS = {
    "default": DEFAULT,
    "without mouth loss": replace(DEFAULT, mouth=0.0),
    "without perceptual loss": replace(DEFAULT, perceptual=0.0),
    "temporal loss, 1": replace(DEFAULT, temporal=1.0),
    "all at full size": replace(DEFAULT, coarse=0.0),
    "boxes not moved": replace(DEFAULT, jitter=0.0),
    "feature noise, 1": replace(DEFAULT, noise=1.0),
}
FIGURES = ("face_psnr", "mouth_psnr", "mouth_sharpness", "lip_distance", "opening_correlation", "mouth_jitter")


def measure(name: str, recipe: Recipe, template: Path, output: Path, steps: int) -> dict[str, float | None]:
    """Train and evaluate one recipe, unless that was done before; its figures by their names."""
    folder = output / name.replace(" ", "_").replace(",", "")
    if not (folder / JSON).is_file():
        with show_progress(name, "steps") as progress:
            checkpoint = train(
                template,
                folder,
                Duration(steps=steps),
                recipe=recipe,
                held_out=HELD_OUT,
                resume=True,
                progress=progress,
            )
        evaluate_files(checkpoint, template, folder)
    figures = json.loads((folder / JSON).read_text())["figures"]
    return {figure: figures[figure]["values"]["output"] for figure in FIGURES}


def main() -> None:
    """Measure every recipe that was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("template", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS), metavar="RECIPE")
    arguments = parser.parse_args()
    found = {
        name: measure(name, VARIANTS[name], arguments.template, arguments.output, arguments.steps)
        for name in arguments.only
    }
    (arguments.output / "recipes.json").write_text(json.dumps({"steps": arguments.steps, "recipes": found}, indent=2))
    print("| recipe |", " | ".join(FIGURES), "|")
    print("|---" * (len(FIGURES) + 1) + "|")
    for name, figures in found.items():
        shown = ("-" if figures[figure] is None else f"{figures[figure]:.3g}" for figure in FIGURES)
        print("|", name, "|", " | ".join(shown), "|")


if __name__ == "__main__":
    main()
