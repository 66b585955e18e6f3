"""Write the page that shows the progress of a training."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.report.page import Page
from frame_generation_pipeline.train.recipe import Recipe


@dataclass
class Log:
    """The losses and scores of a training, each entry with its `steps` and `minutes`."""

    losses: list[dict[str, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)


def write_page(path: Path, log: Log, strips: npt.NDArray[np.uint8] | None, recipe: Recipe, about_held_out: str) -> None:
    """Write the loss curves, the scores and the images of held-out frames as one HTML file.

    about_held_out: see `SampleSource`.
    """
    page = Page("Training", _lead(log))
    if strips is not None:
        page.image(strips, f"{about_held_out}, output, four times their difference.")
        names = [name for name in log.scores[-1] if name not in ("steps", "minutes")]
        curves = {name: _curve(log.scores, name) for name in names}
        page.chart(curves, x="minutes", y="dB", caption="PSNR of held-out frames.")
    names = list(dict.fromkeys(name for entry in log.losses for name in entry if name not in ("steps", "minutes")))
    curves = {name: _curve(log.losses, name) for name in names}
    if curves:
        page.chart(
            curves, x="minutes", y="loss", caption="Losses without their weights, and their weighted total.", log_y=True
        )
    page.heading("Recipe")
    page.table(("setting", "value"), list(asdict(recipe).items()))
    page.write(path)


def _lead(log: Log) -> str:
    last = (log.losses or log.scores or [{"steps": 0, "minutes": 0.0}])[-1]
    return f"{last['steps']:.0f} steps in {last['minutes']:.0f} minutes."


def _curve(entries: list[dict[str, float]], name: str) -> tuple[list[float], list[float]]:
    entries = [entry for entry in entries if name in entry]
    return [entry["minutes"] for entry in entries], [entry[name] for entry in entries]
