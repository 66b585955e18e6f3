"""The command line as a process: what it writes where, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frame_generation_pipeline.cli.app import _terminate
from samples import write_wav


def framegen(*arguments: str | bytes | Path, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "frame_generation_pipeline", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_is_one_line(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.1)
    with Path("/dev/full").open("w") as full:
        done = framegen("info", tmp_path / "a.wav", stdout=full)
    assert done.returncode == 2
    assert done.stderr == "framegen: standard output: cannot be written (No space left on device); free space there\n"


def test_names_of_any_bytes_are_named(tmp_path: Path) -> None:
    done = framegen("info", os.fsencode(tmp_path) + b"/\xff.wav")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\\udcff.wav: no such file or folder" in done.stderr
    done = framegen("info", b"--\xff")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_second_signal_does_not_end_the_cleaning_up() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            _terminate(signal.SIGTERM, None)
        assert ended.value.code == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_features_never_replace_their_input(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.2)
    sound = (tmp_path / "a.wav").rename(tmp_path / "a.npy")
    before = sound.read_bytes()
    done = framegen("features", sound, "-o", sound)
    assert done.returncode == 2
    assert "a.npy: is an input, which would be replaced" in done.stderr
    assert sound.read_bytes() == before


def test_exports_never_replace_their_input(tmp_path: Path, checkpoint: Path) -> None:
    given = tmp_path / "given.pth"
    given.write_bytes(checkpoint.read_bytes())
    done = framegen("export", "-c", given, "-o", given)
    assert done.returncode == 2
    assert "given.pth: is an input, which would be replaced" in done.stderr
    assert given.read_bytes() == checkpoint.read_bytes()
