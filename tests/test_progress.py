import io
import sys

import pytest
from rich.console import Console

from frame_generation_pipeline import progress


def test_plain_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 5.5, 6.0, 10.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with progress.show_progress("Generating", "frames") as update:
        for done in (1, 55, 60, 100):
            update(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "Generating: 55/100 frames, 10.0 frames/s, 4 s left",
        "Generating: 100/100 frames, 10.0 frames/s, 0 s left",
    ]


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_progress("Generating", "frames", quiet=True) as update:
        update(100, 100)
    assert capsys.readouterr() == ("", "")


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(
        progress, "Console", lambda file: Console(file=written, force_terminal=True, width=100, color_system=None)
    )
    assert sys.stderr is not written
    with progress.show_progress("Generating", "frames") as update:
        update(50, 100)
        update(100, 100)
    assert "Generating" in written.getvalue()
    assert "100/100" in written.getvalue()
    assert "frames/s" in written.getvalue()
