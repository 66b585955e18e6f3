"""Write an evaluation as one HTML page."""

from collections.abc import Mapping
from pathlib import Path

from frame_generation_pipeline.evaluate.definitions import DEFINITIONS, RECONSTRUCTION, USE
from frame_generation_pipeline.evaluate.evaluation import Evaluation
from frame_generation_pipeline.evaluate.table import table
from frame_generation_pipeline.report.page import Page


def write_page(path: Path, evaluation: Evaluation, fps: float, about: Mapping[str, object]) -> None:
    """Write the page. about: named values that describe what was evaluated. Raises OutputError."""
    held = evaluation.held_out
    page = Page("Evaluation", f"{len(held)} frames, {held.start} to {held.stop - 1}: {len(held) / fps:.1f} s.")
    for title, subjects in (("Reconstruction", RECONSTRUCTION), ("In use", USE)):
        page.heading(title)
        headers, rows = table(evaluation, tuple(subjects))
        page.table(headers, rows)
        page.list([f"{subject}: {text}" for subject, text in subjects.items()])
    reasons = _reasons(evaluation)
    if reasons:
        page.heading("Without a value")
        page.list(reasons)
    if evaluation.strips:
        page.heading("Faces")
        for strip in evaluation.strips:
            page.image(strip, "The recording, the output, four times their difference, and the baseline template.")
    curves = {name: _curve(evaluation, opening, fps) for name, opening in evaluation.openings.items()}
    curves = {name: curve for name, curve in curves.items() if curve[0]}
    if curves:
        page.heading("Lips")
        page.chart(curves, x="seconds", y="opening", caption="Gap between the lips over the distance between the eyes.")
    page.heading("Definitions")
    lines = [
        f"{of.title}{f', {of.unit}' if of.unit else ''}, best {of.better}: {of.text}." for of in DEFINITIONS.values()
    ]
    page.list(lines)
    page.heading("What was evaluated")
    page.table(("", ""), list(about.items()))
    page.write(path)


def _reasons(evaluation: Evaluation) -> list[str]:
    """The reasons why values are missing, each once."""
    titles: dict[str, list[str]] = {}
    for name, values in evaluation.values.items():
        for subject, value in values.items():
            if value.reason is not None:
                titles.setdefault(value.reason, []).append(f"{DEFINITIONS[name].title} ({subject})")
    return [f"{', '.join(figures)}: {reason}." for reason, figures in titles.items()]


def _curve(evaluation: Evaluation, opening: tuple[float | None, ...], fps: float) -> tuple[list[float], list[float]]:
    points = [
        (index / fps, value) for index, value in zip(evaluation.held_out, opening, strict=True) if value is not None
    ]
    return [x for x, _ in points], [y for _, y in points]
