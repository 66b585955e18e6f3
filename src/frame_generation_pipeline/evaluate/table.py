"""Arrange figures as a table of text."""

from frame_generation_pipeline.evaluate.definitions import DEFINITIONS, Definition, Value
from frame_generation_pipeline.evaluate.evaluation import Evaluation


def table(evaluation: Evaluation, subjects: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and rows of the figures that are defined for the first of `subjects`; `-` stands for a missing value."""
    rows = []
    for name, values in evaluation.values.items():
        if subjects[0] in values:
            of = DEFINITIONS[name]
            cells = (_shown(values[subject], of) if subject in values else "" for subject in subjects)
            rows.append((of.title, of.unit, of.better, *cells))
    return ("figure", "unit", "best", *subjects), rows


def _shown(value: Value, definition: Definition) -> str:
    return "-" if value.number is None else f"{value.number:.{definition.digits}f}"
