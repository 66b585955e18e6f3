"""Show the progress of long work: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console  # imported only to show a bar, because the import takes a tenth of a second

LINE_EVERY = 5.0  # seconds between plain lines

Progress = Callable[[int, int], None]  # takes the amount that is done and the total


class Update(Protocol):
    """Shows the progress of the work."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` is done, with a short note."""


@contextmanager
def show_progress(label: str, unit: str, *, quiet: bool = False) -> Iterator[Update]:
    """Give a callback that shows count, rate and remaining time on standard error; quiet: it shows nothing."""
    from rich.console import Console

    console = Console(file=sys.stderr)
    if quiet:
        yield lambda done, total, note="": None
    elif console.is_terminal:
        with _bar(label, unit, console) as update:
            yield update
    else:
        yield _lines(label, unit)


@contextmanager
def _bar(label: str, unit: str, console: "Console") -> Iterator[Update]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    rate = Rate()
    with Bar(*columns, console=console) as progress:
        task = progress.add_task(label, total=None, rate="", note="")

        def update(done: int, total: int, note: str = "") -> None:
            progress.update(task, completed=done, total=total, rate=f"{rate.at(done):.1f} {unit}/s", note=note)

        yield update


class Rate:
    """The speed of the work since the first report; the work of an earlier run does not count."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first: tuple[int, float] | None = None  # amount done at the first report, and its time

    def at(self, done: int) -> float:
        """The amount of work in a second, when `done` is complete."""
        now = time.perf_counter()
        before, since = self._first or (0, self._started)
        self._first = self._first or (done, now)
        return (done - before) / max(now - since, 1e-9)


def _lines(label: str, unit: str) -> Update:
    shown, rate = 0.0, Rate()

    def update(done: int, total: int, note: str = "") -> None:
        nonlocal shown
        each, now = rate.at(done), time.perf_counter()
        shown = shown or now  # the first report is shown only if it is also the last
        if done < total and now - shown < LINE_EVERY:
            return
        shown = now
        left = (total - done) / max(each, 1e-9)
        line = f"{label}: {done}/{total} {unit}, {each:.1f} {unit}/s, {left:.0f} s left"
        print(f"{line}, {note}" if note else line, file=sys.stderr, flush=True)

    return update
