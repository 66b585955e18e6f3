"""What every host must give, `conformance/`, is what this one gives."""

import base64
import json
import re
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.audio.gate import FIXED_GATE, RELATIVE_GATE, rest_shares
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import PackageError
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.downmix import MEAN
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.pipeline import FrameGenerationPipeline
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import AUDIO_SPECS

ROOT = Path(__file__).resolve().parents[1] / "conformance"
CASES: dict[str, Any] = json.loads((ROOT / "cases.json").read_text())
HOSTILE: dict[str, Any] = json.loads((ROOT / "hostile.json").read_text())
MOST_BYTES = 12_000_000

Case = dict[str, Any]


def named(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES[kind]])


def test_size() -> None:
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) <= MOST_BYTES


def test_every_avatar_is_valid() -> None:
    for path in sorted((ROOT / "avatars").iterdir()):
        verify_package(path)


@named("features")
def test_features(case: Case) -> None:
    program = ROOT / case["avatar"] / "programs/audio.onnx" if "avatar" in case else ROOT.parent / case["program"]
    values = extract_features(decode_audio(ROOT / case["audio"]), OnnxAudioProgram(program)).values
    expected = np.fromfile(ROOT / case["expected"], "<f4").reshape(case["shape"])
    np.testing.assert_allclose(values, expected, rtol=0, atol=case["tolerance"])


@named("gate")
def test_gate(case: Case) -> None:
    spec = AUDIO_SPECS[case["type"]]
    gate = FIXED_GATE if case["version"] < 3 else RELATIVE_GATE
    shares = rest_shares(decode_audio(ROOT / case["audio"]), gate, spec)
    assert list(islice(shares, len(case["shares"]))) == case["shares"]


@named("downmix")
def test_downmix(case: Case) -> None:
    downmix = MEAN if case["version"] < 3 else None
    samples = np.concatenate(list(decode_audio(ROOT / case["audio"], downmix=downmix)))
    np.testing.assert_array_equal(samples, np.fromfile(ROOT / case["expected"], "<f4"))


@named("windows")
def test_windows(case: Case) -> None:
    features, audio = (ROOT / case[kind] if kind in case else None for kind in ("features", "audio"))
    speech = Avatar.load(ROOT / case["avatar"]).plan(features, audio)
    windows = list(speech.windows())
    assert len(windows) == case["count"] == speech.count
    actual = np.stack([windows[i] for i in case["frames"]])
    expected = np.fromfile(ROOT / case["expected"], "<f4").reshape(actual.shape)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=case["tolerance"])


@named("frames")
def test_frames(case: Case) -> None:
    features, audio = (ROOT / case[kind] if kind in case else None for kind in ("features", "audio"))
    avatar = Avatar.load(ROOT / case["avatar"], style=Style(blend=case.get("blend")))
    timing = Timing(start_frame=case.get("start_frame", 0))
    assert_frames(case, list(avatar.frames(audio, audio_features_path=features, timing=timing)))


def assert_frames(case: Case, frames: list[npt.NDArray[Any]]) -> None:
    assert len(frames) == case["count"]
    for index, file in case["frames"].items():
        apart = frames[int(index)].astype(int) - read_image(ROOT / file)
        limits = case["tolerance"]
        assert (np.abs(apart) > limits["levels"]).mean() <= limits["far"]
        assert np.mean(apart**2.0) <= 255**2 / 10 ** (limits["psnr"] / 10)


@named("plain")
def test_plain_exports(case: Case) -> None:
    style = Style(case["blend"], None)
    pipeline = FrameGenerationPipeline(model_path=ROOT / case["model"], mode=case["mode"], style=style)
    avatar = pipeline.avatar(ROOT / case["template"])
    timing = Timing(start_frame=case.get("start_frame", 0))
    assert_frames(case, list(avatar.frames(audio_features_path=ROOT / case["features"], timing=timing)))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in HOSTILE["cases"]])
def test_hostile(case: Case, tmp_path: Path) -> None:
    path = Path(shutil.copytree(ROOT / HOSTILE["avatar"], tmp_path / "may"))
    for name in case.get("remove", ()):
        (path / name).unlink()
    for name, data in case.get("write", {}).items():
        (path / name).write_bytes(base64.b64decode(data))
    for name, parts in case.get("repeat", {}).items():
        start, piece, end = (base64.b64decode(parts[part]) for part in ("start", "piece", "end"))
        (path / name).write_bytes(start + piece * parts["times"] + end)
    for name, target in case.get("link", {}).items():
        (path / name).symlink_to(target)
    for name in case.get("folder", ()):
        (path / name).mkdir()
    if "archive" in case:
        path = tmp_path / "may.avatar"
        path.write_bytes(base64.b64decode(case["archive"]))
    with pytest.raises(PackageError) as caught:
        verify_package(path)
    assert re.search(case["message"], str(caught.value)), str(caught.value)


def test_the_package_that_is_edited_is_valid(tmp_path: Path) -> None:
    path = Path(shutil.copytree(ROOT / HOSTILE["avatar"], tmp_path / "may"))
    verify_package(path)
