import importlib
import sys
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.making.checkpoint import read_tensors, write_tensors
from frame_generation_pipeline.making.export import export_checkpoint
from samples import seeded_network


@pytest.mark.parametrize(
    ("package", "name"), [("torch", "5.pth"), ("torch", "5.safetensors"), ("safetensors", "5.safetensors")]
)
def test_checkpoints_name_what_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    path, tensors = tmp_path / name, seeded_network().state_dict()
    write_tensors(path, tensors)
    for module in [*sys.modules]:
        if module.startswith("safetensors"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    expected = rf"{name}: .* needs {package}, which is not installed; run pip install '.*\[train\]'$"
    with pytest.raises(OptionError, match=expected):
        read_tensors(path)
    path.unlink()
    with pytest.raises(OptionError, match=expected):
        write_tensors(path, tensors)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["torch", "onnx"])
def test_export_names_what_is_not_installed(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for module in [*sys.modules]:
        if module.startswith("frame_generation_pipeline.making."):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(OptionError, match=rf"5\..*: the export needs {package}, .*\[train\]"):
        export_checkpoint(checkpoint, tmp_path / "5.onnx")


def test_other_missing_modules_are_no_matter_of_the_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needing_train_extra("5.pth: a checkpoint"):
        importlib.import_module("no_such_module")
