"""Packages of older versions stay what they were."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.verify import verify_package

Edit = Callable[[Callable[[dict[str, Any]], object]], None]
RENDER = "programs/render.onnx"


@pytest.fixture
def old(light: Path, edit: Edit, replace: Callable[[str, bytes], None]) -> Path:
    """A package as it was written before there were blends."""
    model = onnx.load_model_from_string((light / RENDER).read_bytes())
    (blend,) = (value for value in model.graph.input if value.name == "blend")
    model.graph.input.remove(blend)
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.uint8), "blend"))
    replace(RENDER, model.SerializeToString())

    def change(manifest: dict[str, Any]) -> None:
        manifest["version"] = 1
        del manifest["blend"], manifest["rest"]

    edit(change)
    return light


def test_valid_and_the_same_frames(old: Path, light: Path, features_path: Path, checkpoint: Path) -> None:
    verify_package(old)
    assert open_package(old).manifest.version == 1
    avatar = Avatar.load(old)
    assert (avatar.blend, avatar.rest) == ("reference", None)
    assert len(list(avatar.frames(audio_features_path=features_path))) == 8
    with pytest.raises(OptionError, match="packed without the blend 'feathered'"):
        Avatar.load(old, blend="feathered")


def test_its_manifest_is_written_as_it_was(old: Path) -> None:
    manifest = open_package(old).manifest
    written = manifest.to_json()
    assert b'"version":1' in written
    assert b'"blend"' not in written
    (old / "avatar.json").write_bytes(written)
    assert open_package(old).manifest == manifest


def test_version_2_gives_the_same_frames(light: Path, edit: Edit, features_path: Path) -> None:
    now = list(Avatar.load(light).frames(audio_features_path=features_path))
    edit(lambda manifest: manifest.update(version=2))
    verify_package(light)
    before = Avatar.load(light)
    np.testing.assert_array_equal(list(before.frames(audio_features_path=features_path)), now)
    assert b'"version":2' in open_package(light).manifest.to_json()
