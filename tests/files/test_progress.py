import io
import sys

import pytest
from rich.console import Console

from frame_generation_pipeline.files import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, in its only entry."""
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def test_plain_lines(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress.show_progress("Generating", "frames") as update:
        for seconds, done in ((1, 10), (3, 30), (6, 60), (7, 70), (10, 100)):
            clock[0] = 100.0 + seconds
            update(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "Generating: 60/100 frames, 10.0 frames/s, 4 s left",
        "Generating: 100/100 frames, 10.0 frames/s, 0 s left",
    ]


def test_only_report(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress.show_progress("Generating", "frames") as update:
        clock[0] += 2
        update(4, 4)
    assert capsys.readouterr().err == "Generating: 4/4 frames, 2.0 frames/s, 0 s left\n"


def test_work_of_an_earlier_run_does_not_count(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress.show_progress("Training", "steps") as update:
        for seconds, done in ((1, 501), (11, 521)):
            clock[0] = 100.0 + seconds
            update(done, 1021, "loss 0.2")
    assert capsys.readouterr().err == "Training: 521/1021 steps, 2.0 steps/s, 250 s left, loss 0.2\n"


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_progress("Generating", "frames", quiet=True) as update:
        update(100, 100)
    assert capsys.readouterr() == ("", "")


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(
        "rich.console.Console",
        lambda file: Console(file=written, force_terminal=True, width=100, color_system=None),
    )
    assert sys.stderr is not written
    with progress.show_progress("Generating", "frames") as update:
        update(50, 100)
        update(100, 100)
    assert "Generating" in written.getvalue()
    assert "100/100" in written.getvalue()
    assert "frames/s" in written.getvalue()
