"""The command line against hostile files: exit status 2, one line on standard error, nothing left behind."""

import signal
import sys
from pathlib import Path

import pytest

from frame_generation_pipeline.cli import app as cli
from hostile.cases import CASES
from samples import write_template

COMMANDS = {
    "wav: random": ("features", "PATH", "-o", "out.npy"),
    "wav: unknown codec": ("features", "PATH", "-o", "out.npy"),
    "mp4: no audio": (
        "generate",
        "-c",
        "CHECKPOINT",
        "-t",
        "TEMPLATE",
        "-a",
        "PATH",
        "-f",
        "FEATURES",
        "-o",
        "out.mp4",
    ),
    "npy: header open": ("generate", "-c", "CHECKPOINT", "-t", "TEMPLATE", "-f", "PATH", "-o", "out.mp4"),
    "bin: description nested deep": ("generate", "-c", "CHECKPOINT", "-t", "TEMPLATE", "-f", "PATH", "-o", "out.mp4"),
    "pth: runs code": ("generate", "-c", "PATH", "-t", "TEMPLATE", "-f", "FEATURES", "-o", "out.mp4"),
    "pth: sparse weights": ("pack", "-c", "PATH", "-t", "TEMPLATE", "-o", "out.avatar"),
    "safetensors: nested deep": ("export", "-c", "PATH", "-o", "out.onnx"),
    "onnx: random": ("generate", "-m", "PATH", "-t", "TEMPLATE", "-f", "FEATURES", "-o", "out.mp4"),
    "avatar: random": ("verify", "PATH"),
    "avatar: is png": ("generate", "--avatar", "PATH", "-f", "FEATURES", "-o", "out.mp4"),
    "template: frame is a pipe": ("generate", "-c", "CHECKPOINT", "-t", "PARENT", "-f", "FEATURES", "-o", "out.mp4"),
    "template: frame ends early": ("generate", "-c", "CHECKPOINT", "-t", "PARENT", "-f", "FEATURES", "-o", "out.mp4"),
    "png: no data": ("compare", "PATH", "PATH"),
    "png: data of another size": ("compare", "PATH", "PATH"),
    "mp4: random": ("prepare", "PATH", "-o", "out"),
    "info: text": ("info", "PATH"),
    "pth: pipe": ("generate", "-c", "PATH", "-t", "TEMPLATE", "-f", "FEATURES", "-o", "out.mp4"),
    "onnx: pipe": ("generate", "-m", "PATH", "-t", "TEMPLATE", "-f", "FEATURES", "-o", "out.mp4"),
    "audio program: pipe": ("generate", "-c", "CHECKPOINT", "-t", "TEMPLATE", "-e", "PATH", "-a", "x", "-o", "out.mp4"),
    "wav: pipe": ("generate", "-c", "CHECKPOINT", "-t", "TEMPLATE", "-a", "PATH", "-f", "FEATURES", "-o", "out.mp4"),
    "mp4: pipe": ("export", "-c", "CHECKPOINT", "-o", "PATH"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_one_line(
    name: str,
    checkpoint: Path,
    features_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    path = CASES[name].write(tmp_path / "in")
    template = write_template(tmp_path / "template")
    values = {"PATH": path, "PARENT": path.parents[1], "CHECKPOINT": checkpoint, "FEATURES": features_path}
    values["TEMPLATE"] = template
    monkeypatch.chdir(tmp_path / "out")
    monkeypatch.setattr(sys, "argv", ["framegen", *(str(values.get(word, word)) for word in COMMANDS[name])])
    before, terminated = sorted(tmp_path.rglob("*")), signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as raised:
            cli.main()
    finally:
        signal.signal(signal.SIGTERM, terminated)
    output, errors = capfd.readouterr()
    assert (raised.value.code, output) == (2, "")
    assert errors.startswith("framegen: ")
    assert errors.count("\n") == 1
    assert path.name in errors
    assert sorted(tmp_path.rglob("*")) == before
