"""The command line as a process: what it writes where, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from frame_generation_pipeline.cli.app import _interrupt, _terminate
from samples import write_template, write_wav

HANGING = 300  # seconds, of which a busy machine needs many


def framegen(*arguments: str | bytes | Path, stdout: IO[str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "frame_generation_pipeline", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=HANGING)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_is_one_line(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.1)
    with Path("/dev/full").open("w") as full:
        done = framegen("info", tmp_path / "a.wav", stdout=full)
    assert done.returncode == 2
    assert done.stderr == "framegen: standard output: cannot be written (No space left on device); free space there\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_error_changes_no_status() -> None:
    command = [sys.executable, "-m", "frame_generation_pipeline", "info", "nowhere"]
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(command, stderr=full, check=False, timeout=HANGING).returncode == 2


def test_a_home_that_cannot_be_written_is_not_told_of(tmp_path: Path) -> None:
    """Matplotlib says at its import where it puts its cache, if that is not in the home."""
    pytest.importorskip("matplotlib", reason="needs the extra [train]")
    (tmp_path / "home").write_bytes(b"no folder")
    program = """
import sys
from frame_generation_pipeline.cli.app import main
sys.argv = ["framegen", "info", "nowhere"]
try:
    main()
except SystemExit:
    import frame_generation_pipeline.report.page
"""
    environment = {key: value for key, value in os.environ.items() if key not in ("MPLCONFIGDIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
        timeout=HANGING,
    )
    assert done.stderr == "framegen: nowhere: no such file or folder\n"


def test_names_of_any_bytes_are_named(tmp_path: Path) -> None:
    done = framegen("info", os.fsencode(tmp_path) + b"/\xff.wav")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\\udcff.wav: no such file or folder" in done.stderr
    done = framegen("info", b"--\xff")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "end", "error"),
    [(signal.SIGTERM, _terminate, SystemExit), (signal.SIGINT, _interrupt, KeyboardInterrupt)],
)
def test_a_second_signal_does_not_end_the_cleaning_up(
    number: signal.Signals, end: Callable[[int, None], None], error: type[BaseException]
) -> None:
    before = signal.getsignal(number)
    try:
        with pytest.raises(error) as ended:
            end(number, None)
        if isinstance(ended.value, SystemExit):
            assert ended.value.code == 128 + number
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_features_never_replace_their_input(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.2)
    audio = (tmp_path / "a.wav").rename(tmp_path / "a.npy")
    before = audio.read_bytes()
    done = framegen("features", audio, "-o", audio)
    assert done.returncode == 2
    assert "a.npy: is an input, which would be replaced" in done.stderr
    assert audio.read_bytes() == before


def test_exports_never_replace_their_input(tmp_path: Path, checkpoint: Path) -> None:
    source = tmp_path / "given.pth"
    source.write_bytes(checkpoint.read_bytes())
    done = framegen("export", "-c", source, "-o", source)
    assert done.returncode == 2
    assert "given.pth: is an input, which would be replaced" in done.stderr
    assert source.read_bytes() == checkpoint.read_bytes()


def run(*arguments: object) -> tuple[int, str, str]:
    """The command in a process of its own, as people run it: exit status, output, errors."""
    command = [sys.executable, "-W", "error", "-m", "frame_generation_pipeline", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGING, check=False)
    return done.returncode, done.stdout, done.stderr


def test_process_of_its_own(checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    """Under `python -W error`, from a path with blanks and letters beyond ASCII."""
    folder = tmp_path / "Zoë's Ordner"
    template = write_template(folder / "t")
    status, output, errors = run(
        "generate", "-c", checkpoint, "-t", template, "-f", features_path, "-o", folder / "höre.mp4"
    )
    assert (status, output.strip()) == (0, str(folder / "höre.mp4")), errors
    status, output, errors = run("info", folder / "nowhere")
    assert (status, output, errors.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption(checkpoint: Path, tmp_path: Path, number: signal.Signals, status: int) -> None:
    template = write_template(tmp_path / "t")
    np.save(tmp_path / "long.npy", np.zeros((100_000, 512), np.float32))
    output = tmp_path / "out" / "r.mp4"
    arguments = ("generate", "-c", checkpoint, "-t", template, "-f", tmp_path / "long.npy", "-o", output)
    command = [sys.executable, "-m", "frame_generation_pipeline", *map(str, arguments)]
    # A job that a script started in the background has the interrupt ignored, and hands that on.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    deadline = time.monotonic() + HANGING
    while not list(tmp_path.glob("out/r.mp4.partial/*.new")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    for _ in range(3):  # as impatient people do
        os.kill(process.pid, number)
        time.sleep(0.01)
    _, errors = process.communicate(timeout=HANGING)
    assert process.returncode == status
    assert "Traceback" not in errors
    assert list(output.parent.iterdir()) == []
