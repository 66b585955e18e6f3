"""Progress of long work: a bar on a terminal, a plain line every few seconds elsewhere, nothing when quiet."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EVERY = 5.0  # seconds between plain lines


@contextmanager
def show_progress(label: str, unit: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A callback (done, in all) that shows count, rate and time left on standard error while the block lasts."""
    console = Console(file=sys.stderr)
    if quiet:
        yield lambda done, total: None
    elif console.is_terminal:
        with _bar(label, unit, console) as update:
            yield update
    else:
        yield _lines(label, unit)


@contextmanager
def _bar(label: str, unit: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=None, rate="")

        def update(done: int, total: int) -> None:
            rate = done / max(time.perf_counter() - started, 1e-9)
            progress.update(task, completed=done, total=total, rate=f"{rate:.1f} {unit}/s")

        yield update


def _lines(label: str, unit: str) -> Callable[[int, int], None]:
    started = shown = time.perf_counter()

    def update(done: int, total: int) -> None:
        nonlocal shown
        now = time.perf_counter()
        if done < total and now - shown < LINE_EVERY:
            return
        shown = now
        rate = done / max(now - started, 1e-9)
        left = (total - done) / rate
        print(f"{label}: {done}/{total} {unit}, {rate:.1f} {unit}/s, {left:.0f} s left", file=sys.stderr, flush=True)

    return update
