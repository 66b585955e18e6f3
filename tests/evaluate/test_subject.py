import json
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError
from frame_generation_pipeline.evaluate.subject import Subject, choose_frames
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.export import export_checkpoint
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.pack import pack_avatar
from samples import write_template


def test_checkpoint_graph_and_package(checkpoint: Path, tmp_path: Path) -> None:
    """Each with its hash; a checkpoint keeps its width."""
    trained = Subject.load(checkpoint, device="cpu")
    assert isinstance(trained.generator, OnnxGenerator)
    assert (trained.generator.spec.width, trained.encoder) == (4, None)
    assert trained.sha256 == file_digest(checkpoint)
    assert len(trained.sha256) == 64
    export_checkpoint(checkpoint, tmp_path / "g.onnx", mode="ave")
    assert isinstance(Subject.load(tmp_path / "g.onnx", mode="ave").generator, OnnxGenerator)
    template = write_template(tmp_path / "t")
    pack_avatar(tmp_path / "a.avatar", checkpoint=checkpoint, template=template, mode="ave")
    packed = Subject.load(tmp_path / "a.avatar")
    assert isinstance(packed.generator, ProgramGenerator)
    pack_avatar(tmp_path / "folder", checkpoint=checkpoint, template=template, mode="ave")
    assert Subject.load(tmp_path / "folder").sha256 == file_digest(tmp_path / "folder" / "avatar.json")


def test_other_devices_run_torch(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a device beside the CPU the network runs in PyTorch there; here that is the CPU again."""
    from frame_generation_pipeline.making import torch_backend

    class Meta(torch_backend.TorchGenerator):
        def __init__(self, network: Network, device: str) -> None:
            super().__init__(network, "cpu")
            self.asked = device

    monkeypatch.setattr(torch_backend, "choose_device", lambda name: name)
    monkeypatch.setattr(torch_backend, "TorchGenerator", Meta)
    generator = Subject.load(checkpoint, device="cuda").generator
    assert isinstance(generator, Meta)
    assert generator.asked == "cuda"


def test_what_is_no_generator(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"5\.pth: no such file"):
        Subject.load(tmp_path / "5.pth")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelError, match=r"notes\.txt: expected a checkpoint"):
        Subject.load(tmp_path / "notes.txt")
    with pytest.raises(OptionError, match="device 'tpu' is unknown"):
        Subject.load(checkpoint, device="tpu")


def test_frames_that_are_asked_for(tmp_path: Path) -> None:
    generator = tmp_path / "g.pth"
    assert choose_frames(generator, 500, 25, frames="450:480") == (range(450, 480), "as asked for")
    assert choose_frames(generator, 500, 25, seconds=3)[0] == range(425, 500)
    assert choose_frames(generator, 50, 25, seconds=3)[0] == range(0, 50)
    for frames in ("450", "450-500", "-3:5", "a:b", ":"):
        with pytest.raises(OptionError, match="are no frames; expected"):
            choose_frames(generator, 500, 25, frames=frames)
    with pytest.raises(OptionError, match="not both"):
        choose_frames(generator, 500, 25, frames="1:20", seconds=2)


def test_frames_of_the_training(tmp_path: Path) -> None:
    generator = tmp_path / "generator.safetensors"
    chosen, why = choose_frames(generator, 500, 25)
    assert chosen == range(450, 500)
    assert "may have learned" in why
    assert choose_frames(generator, 1000, 20)[0] == range(900, 1000)
    assert choose_frames(generator, 30, 25)[0] == range(0, 30)
    settings = tmp_path / "train.json"
    settings.write_text(json.dumps({"held_out": [300, 360]}))
    assert choose_frames(generator, 500, 25) == (range(300, 360), "held out by the training")
    with pytest.raises(OptionError, match="held out frames 300:360, but there are 350"):
        choose_frames(generator, 350, 25)
    settings.write_text(json.dumps({"held_out": [500, 500]}))
    assert choose_frames(generator, 500, 25)[0] == range(450, 500)
    for text in ("{}", "[]", '{"held_out": 3}', "no json"):
        settings.write_text(text)
        with pytest.raises(OptionError, match=r"train\.json: does not say what was held out"):
            choose_frames(generator, 500, 25)
