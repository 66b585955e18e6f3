"""The command is killed at any moment, and continued to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from samples import write_wav

# The command with short segments, and time for whoever kills it while the whole is put together.
FRAMEGEN = """
import time
from frame_generation_pipeline.cli.app import main
from frame_generation_pipeline.media import soundtrack, video_writer

def finish(self, end, finish=soundtrack.Soundtrack.finish):
    time.sleep(1)
    finish(self, end)

video_writer.SECONDS = 1.0
soundtrack.Soundtrack.finish = finish
main()
"""


def test_kill_9(package: Path, tmp_path: Path) -> None:
    """The command, killed at several moments, among them while the whole is put together."""
    audio = write_wav(tmp_path / "a.wav", 3.1)

    def start(name: str) -> "subprocess.Popen[str]":
        command = ["generate", "--avatar", package, "--audio", audio, "-o", tmp_path / name, "--preset", "ultrafast"]
        arguments = [sys.executable, "-c", FRAMEGEN, *map(str, command)]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    partial = tmp_path / "parts.mp4.partial"
    for there in ("00000.new", "00000.segment", "00002.new", "whole.mp4"):
        process = start("parts.mp4")
        while process.poll() is None and not (partial / there).exists():
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, process.communicate()
        process.communicate()
    for name in ("parts.mp4", "whole.mp4"):
        process = start(name)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert (tmp_path / "parts.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not partial.exists()
