"""Whatever is written has the rights that the umask leaves, and no others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.making.export import export_checkpoint
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.runtime.settings import Runtime
from samples import write_template

FILES, FOLDERS = 0o640, 0o750


@pytest.fixture(autouse=True)
def _group_alone() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_outputs_obey_the_umask(checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    template = write_template(tmp_path / "given")
    output = tmp_path / "made"
    write_tensors(output / "a.safetensors", {"a": torch.zeros(3)})
    write_tensors(output / "a.pth", {"a": torch.zeros(3)})
    export_checkpoint(checkpoint, output / "a.onnx")
    features = AudioFeatures.load(features_path)
    for name in ("a.npy", "a.bin"):
        features.save(output / name)
    for name in ("may", "may.avatar"):
        pack_avatar(output / name, checkpoint=checkpoint, template=template)
    avatar = Avatar.load(output / "may", runtime=Runtime(cache_file=output / "faces"))
    avatar.generate_video(None, output / "a.mp4", audio_features_path=features_path, frames_dir=output / "frames")
    modes = {path: path.stat().st_mode & 0o777 for path in output.rglob("*")}
    assert len(modes) > 20
    assert {path: mode for path, mode in modes.items() if mode != (FOLDERS if path.is_dir() else FILES)} == {}
