"""A quick training of the tiny generator."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from frame_generation_pipeline.train.recipe import DEFAULT
from frame_generation_pipeline.train.run import Duration, train

QUICK = replace(DEFAULT, batch=2, perceptual=0.0, temporal=0.0)
STEPS = 6
NARROW = (4, 8, 8, 16, 16)  # widths of a SyncNet that learns in a moment


def run(dataset: Path, output: Path, start: Path, **options: Any) -> Path:
    arguments: dict[str, Any] = {"recipe": QUICK, "held_out": 0.4, "duration": Duration(steps=STEPS)} | options
    return train(dataset, output, arguments.pop("duration"), start=start, device="cpu", **arguments)
