"""`framegen say`, as people run it."""

import subprocess
import sys
import wave
from pathlib import Path

import hibari  # noqa: F401  # where the extra [say] is missing, these tests are left out
import pytest
from typer.testing import CliRunner

from frame_generation_pipeline.cli.app import app
from frame_generation_pipeline.errors import FrameGenerationError


def say(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-W", "error", "-m", "frame_generation_pipeline", "say", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_text_becomes_a_video_or_audio(tmp_path: Path) -> None:
    assert say("Hi.", "-o", tmp_path / "a.mp4", "--preset", "ultrafast", "-q") == (0, "", "")
    assert (tmp_path / "a.mp4").stat().st_size > 10_000
    (tmp_path / "text.txt").write_text("\ufeffHi.", "utf-8")
    status, output, errors = say("--text-file", tmp_path / "text.txt", "-o", tmp_path / "a.wav")
    assert (status, output, "1/1 sentences" in errors) == (0, f"{tmp_path / 'a.wav'}\n", True)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getframerate() == 24_000
        assert file.getnframes() > 12_000


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("-", "-o", "a.mp4"), "Good.\nVery 好".encode(), "the text, line 2, character 6: '好'"),
        (("-", "-o", "a.mp4"), b"\xff", "standard input: byte 0 is no UTF-8"),
        (("-o", "a.mp4"), b"", "nothing to say; give a text in quotes"),
        (("Hi", "-o", "a.wav", "--steady"), b"", "a.wav: holds the voice alone"),
        (("Hi", "-o", "a.txt"), b"", "unknown video suffix"),
        (("Hi", "-o", "a.mp4", "--voice", "nobody"), b"", "voice 'nobody' is unknown"),
        (("--text-file", "nowhere.txt", "-o", "a.mp4"), b"", "nowhere.txt: expected a text to read"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: tuple[str, ...], stdin: bytes, message: str) -> None:
    placed = [str(tmp_path / name) if name.startswith("a.") else name for name in arguments]
    done = CliRunner().invoke(app, ["say", *placed], input=stdin)
    assert isinstance(done.exception, FrameGenerationError)  # which `main` prints as a line
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not list(tmp_path.iterdir())
