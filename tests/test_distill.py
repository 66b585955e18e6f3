"""From a large generator to an avatar with a small one."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from frame_generation_pipeline import distill as distill_module
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.cli.app import app
from frame_generation_pipeline.distill import Distillation, distill
from frame_generation_pipeline.errors import FrameGenerationError, MissingFileError, OptionError, OutputError
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.spec import FACE_MOBILE, NETWORKS
from frame_generation_pipeline.train.distillation import DistillationSet
from frame_generation_pipeline.train.recipe import DISTILLING
from frame_generation_pipeline.train.run import Duration
from samples import draw, write_template, write_wav

QUICK = DISTILLING.changed({"batch": 2})


class Stopped(BaseException):
    """An interruption."""


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "tiny", (FACE_MOBILE, 2))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_template(tmp_path_factory.mktemp("distil") / "may", 4, parsing=True)
    np.save(folder / "aud_ave.npy", draw("speech", (40, 512)))
    return folder


def learn(output: Path, steps: int = 2, **options: object) -> Distillation:
    arguments = {"held_out": 0.4, "network": "tiny", "device": "cpu", "recipe": QUICK} | options
    return distill(output, duration=Duration(steps=steps), **arguments)  # type: ignore[arg-type]


def test_of_a_checkpoint(checkpoint: Path, encoder_path: Path, template: Path, tmp_path: Path) -> None:
    voices = tmp_path / "voices"
    voices.mkdir()
    write_wav(voices / "other.wav", 1.5)
    distillation = learn(
        tmp_path / "small.avatar", checkpoint=checkpoint, template=template, encoder=encoder_path, speech=voices
    )
    assert distillation.packed.manifest.generator.name == "mobile-ave-width2"
    assert set(distillation.scores) == {"face PSNR", "mouth PSNR"}
    assert "what the large generator paints" in distillation.page.read_text()
    settings = json.loads((distillation.page.parent / "train.json").read_text())
    assert settings["generator"] == "mobile-ave-width2"
    assert len(list(Avatar.load(tmp_path / "small.avatar").frames(write_wav(tmp_path / "speech.wav", 0.4)))) == 10


def test_of_an_avatar(checkpoint: Path, encoder_path: Path, template: Path, tmp_path: Path) -> None:
    big, voices = tmp_path / "big.avatar", tmp_path / "voices"
    pack_avatar(
        big, checkpoint=checkpoint, template=template, encoder=encoder_path, label=Label("May", "CC0", ("May",))
    )
    voices.mkdir()
    np.save(voices / "said.npy", draw("said", (40, 512)))
    distillation = learn(tmp_path / "small.avatar", avatar=big, speech=voices)
    before, after = open_package(big), open_package(tmp_path / "small.avatar")
    assert (after.manifest.name, after.manifest.licence, after.manifest.credits) == ("May", "CC0", ("May",))
    assert after.manifest.boxes == before.manifest.boxes
    assert after.manifest.parsing
    assert after.manifest.generator == distillation.packed.manifest.generator
    for name in ("landmarks.bin", "programs/audio.onnx", "frames/00002.jpg", "parsing/00002.png"):
        assert after.read(name) == before.read(name)


def test_stopped_and_continued_to_the_same_bits(
    checkpoint: Path, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise Stopped

    steady = QUICK.changed({"decay": False, "coarse": 0.0})  # whose steps do not depend on how many are to come
    given: dict[str, Any] = {"checkpoint": checkpoint, "template": template, "recipe": steady}
    with monkeypatch.context() as patch:
        patch.setattr(distill_module, "pack_avatar", stop)
        with pytest.raises(Stopped):
            learn(tmp_path / "parts.avatar", 2, **given)
    assert not (tmp_path / "parts.avatar").exists()
    with pytest.raises(OptionError, match=r"begun with other settings \(recipe\)"):
        learn(tmp_path / "parts.avatar", 4, **given | {"recipe": QUICK})
    trained = []
    for name in ("parts", "whole"):
        learn(tmp_path / f"{name}.avatar", 4, **given)
        trained.append((tmp_path / f"{name}.avatar.work" / "run" / "generator.safetensors").read_bytes())
    assert trained[0] == trained[1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, OptionError, "an avatar's, or a checkpoint's with its template"),
        ({"checkpoint": "5.pth"}, OptionError, "an avatar's, or a checkpoint's with its template"),
        ({"avatar": "big.avatar", "template": "may"}, OptionError, "an avatar's, or a checkpoint's with its template"),
        ({"avatar": "big.avatar"}, MissingFileError, "big.avatar: no such avatar"),
        ({"checkpoint": "5.pth", "template": "may"}, MissingFileError, "may: no such folder"),
    ],
)
def test_bad_input(options: dict[str, Any], error: type[FrameGenerationError], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        learn(tmp_path / "small.avatar", **options)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match=r"end its name with \.avatar"):
        learn(tmp_path / "small")


def test_the_built_in_speech_is_learned_from_too(
    checkpoint: Path, encoder_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[int]] = []

    def stop(template: object, teacher: object, face: object, speech: Any, *others: object, **options: object) -> None:
        given.append([len(features) for features in speech])
        raise Stopped

    monkeypatch.setattr(DistillationSet, "build", stop)
    folder = write_template(tmp_path / "may", 4)

    def learned_from(name: str, encoder: Path | None) -> list[int]:
        with pytest.raises(Stopped):
            learn(tmp_path / f"{name}.avatar", checkpoint=checkpoint, template=folder, encoder=encoder)
        return given[-1]

    (sample,) = learned_from("alone", encoder_path)
    assert 13.5 < sample / 25 < 14.5
    np.save(folder / "aud_ave.npy", draw("speech", (40, 512)))
    assert learned_from("beside", encoder_path) == [sample, 40]  # the end of the last one is held out
    assert learned_from("features", None) == [40]


def test_without_speech(checkpoint: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"checkpoint": checkpoint, "template": write_template(tmp_path / "may")}
    with pytest.raises(MissingFileError, match=r"may: no aud_ave.npy there, and no speech given"):
        learn(tmp_path / "small.avatar", **given)
    with pytest.raises(MissingFileError, match="voices: no such folder"):
        learn(tmp_path / "small.avatar", **given, speech=tmp_path / "voices")
    (tmp_path / "voices").mkdir()
    write_wav(tmp_path / "voices" / "a.wav", 0.5)
    with pytest.raises(OptionError, match=r"a.wav: its ave features are needed; give an encoder"):
        learn(tmp_path / "small.avatar", **given, speech=tmp_path / "voices")


def test_command(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    def framegen(*arguments: object) -> Result:
        command = ["distill", "-o", tmp_path / "small.avatar", "-t", template, "--network", "tiny", *arguments]
        return CliRunner().invoke(app, [*map(str, command)], catch_exceptions=False)

    done = framegen("-c", checkpoint, "--minutes", 0.01, "--held-out", 0.4, "--device", "cpu", "--batch", 2)
    assert done.exit_code == 0
    settings = tmp_path / "small.avatar.work" / "run" / "train.json"
    assert json.loads(settings.read_text())["recipe"] == asdict(QUICK)
    for said in ("mouth PSNR", "mobile-ave-width2", f"see {tmp_path / 'small.avatar.work' / 'run' / 'train.html'}"):
        assert said in done.stdout.replace("\n", "")
