"""Packages of older versions stay what they were."""

import shutil
from collections.abc import Callable
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile
from onnx import numpy_helper

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.audio.gate import FIXED_GATE
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.downmix import MEAN, SUM
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.speaking.speech import Speech
from frame_generation_pipeline.speaking.style import Style

Edit = Callable[[Callable[[dict[str, Any]], object]], None]
RENDER = "programs/render.onnx"
HEARING = Path(__file__).parents[2] / "conformance" / "avatars" / "ave-160"


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
    assert (avatar.blend, avatar.rest, avatar.downmix) == ("reference", None, MEAN)
    assert len(list(avatar.frames(audio_features_path=features_path))) == 8
    with pytest.raises(OptionError, match="packed without the blend 'feathered'"):
        Avatar.load(old, style=Style(blend="feathered"))


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
    assert (before.front_end.gate, before.downmix) == (FIXED_GATE, MEAN)
    np.testing.assert_array_equal(list(before.frames(audio_features_path=features_path)), now)
    assert b'"version":2' in open_package(light).manifest.to_json()


def test_version_2_hears_as_it_did(tmp_path: Path) -> None:
    """Fixed thresholds and the mean of the channels: a quiet voice moves nothing, six channels are averaged."""
    channels = np.zeros((6, 16_000), np.float32)
    channels[2] = write_syllables(tmp_path / "mono.wav", level=-50)
    soundfile.write(tmp_path / "centre.wav", channels.T, 16_000, subtype="FLOAT")
    older = tmp_path / "older"
    shutil.copytree(HEARING, older)
    manifest = open_package(HEARING).manifest
    inside = (manifest.boxes[0],) * len(manifest.boxes)
    (older / "avatar.json").write_bytes(replace_fields(manifest, version=2, boxes=inside).to_json())

    def plans(package: Path) -> list[Speech]:
        return [Avatar.load(package).plan(None, tmp_path / name) for name in ("mono.wav", "centre.wav")]

    before, now = plans(older), plans(HEARING)
    assert all(set(speech.rests) == {1.0} for speech in before)
    assert all(min(speech.rests) == 0 for speech in now)
    assert [speech.downmix for speech in before] == [MEAN, MEAN]
    assert [speech.downmix for speech in now] == [SUM, SUM]


def write_syllables(path: Path, level: float) -> Samples:
    """A voice of this level with pauses, a second at 16 kHz, written as float32."""
    time = np.arange(16_000) / 16_000
    spoken = np.sin(2 * np.pi * 180 * time) * ((time > 0.3) & (time % 0.25 < 0.15))
    samples = np.asarray(10 ** (level / 20) * spoken / spoken.std(), np.float32)
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    return samples
