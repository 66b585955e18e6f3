"""A whole training: what it writes, and that nothing stops it for good."""

import json
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from failing import RAISING, failing, files_of_at_most
from frame_generation_pipeline.errors import LibraryError, ModelError, OptionError, OutputError
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.spec import AVE, FACE_328, FACE_MOBILE, NETWORKS, STREAMING, AudioSpec, FaceSpec
from frame_generation_pipeline.train import run as run_module
from frame_generation_pipeline.train.dataset import TrainingSet
from frame_generation_pipeline.train.run import Duration, train
from frame_generation_pipeline.train.syncnet import SyncNetwork
from frame_generation_pipeline.train.trainer import Trainer
from samples import TINY, draw
from train.training import NARROW, QUICK, STEPS, run


def test_writes_checkpoints_page_and_settings(finished: Path, dataset_dir: Path) -> None:
    one, other = (load_network(finished / name, "ave") for name in ("generator.safetensors", "generator.pth"))
    assert one.spec == TINY
    assert all(value.equal(other.state_dict()[name]) for name, value in one.state_dict().items())
    settings = json.loads((finished / "train.json").read_text())
    assert settings["held_out"] == [30, 40]
    page = (finished / "train.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 1
    assert "mouth PSNR" in page
    assert f"{STEPS} steps" in page


@pytest.mark.parametrize("name", RAISING)
def test_what_a_library_raises_is_one_of_our_errors(
    name: str, dataset_dir: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, fail = RAISING[name]
    monkeypatch.setattr(TrainingSet, "samples", failing(fail))
    with pytest.raises(LibraryError, match=rf"^the training ended: {library} failed \("):
        run(dataset_dir, tmp_path / "run", start)


def test_killed_and_resumed_to_the_same_bits(
    finished: Path, dataset_dir: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "SAVE_EVERY", 0.0)

    class Killed(BaseException):
        pass

    def kill(done: int, total: int, note: str = "") -> None:
        assert total == STEPS
        assert note.startswith("loss ")
        if done == 4:
            with pytest.raises(OutputError, match="may: another run is making it"):
                run(dataset_dir, tmp_path / "may", start, resume=True)
            raise Killed

    with pytest.raises(Killed):
        run(dataset_dir, tmp_path / "may", start, progress=kill)
    assert not (tmp_path / "may" / "generator.pth").exists()
    seen = []
    run(dataset_dir, tmp_path / "may", start, resume=True, progress=lambda done, *_: seen.append(done))
    assert seen == [4, 5, 6]  # the state was last saved after step 3
    for name in ("generator.safetensors",):
        assert (tmp_path / "may" / name).read_bytes() == (finished / name).read_bytes()
    run(dataset_dir, tmp_path / "may", start, resume=True, progress=lambda done, *_: seen.append(done))
    assert seen == [4, 5, 6]


def test_sync_network_learns_first(
    dataset_dir: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "SyncNetwork", partial(SyncNetwork, widths=NARROW))
    monkeypatch.setattr(run_module, "SYNC_SHARE", 0.5)
    monkeypatch.setattr(run_module, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(run_module, "LOG_EVERY", 1)
    options = {"recipe": replace(QUICK, sync=1.0), "duration": Duration(steps=4)}
    run(dataset_dir, tmp_path / "whole", start, **options)
    log = torch.load(tmp_path / "whole" / "state.pt", weights_only=True)["losses"]
    assert [entry["steps"] for entry in log] == [1, 2, 3, 4]
    assert [("syncnet" in entry, "sync" in entry) for entry in log] == [(True, False)] * 2 + [(False, True)] * 2

    class Killed(BaseException):
        pass

    def kill(done: int, total: int, note: str = "") -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        run(dataset_dir, tmp_path / "parts", start, progress=kill, **options)
    run(dataset_dir, tmp_path / "parts", start, resume=True, **options)
    whole, parts = ((tmp_path / name / "generator.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_minutes_end_it(dataset_dir: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    totals = []
    monkeypatch.setattr(run_module, "PAGE_EVERY", 0.0)
    duration = Duration(minutes=0.03)
    run(dataset_dir, tmp_path / "may", start, duration=duration, progress=lambda done, total, _: totals.append(total))
    assert totals
    assert len(totals) < 500
    assert (tmp_path / "may" / "train.html").is_file()


@pytest.mark.parametrize("face", [FACE_328, FACE_MOBILE], ids=lambda face: face.name)
@pytest.mark.parametrize("audio", [AVE, STREAMING], ids=lambda audio: audio.name)
def test_from_scratch(
    face: FaceSpec, audio: AudioSpec, dataset_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "tiny", (face, 2))
    np.save(tmp_path / "features.npy", draw("features", (40, audio.feature_size)))
    train(
        dataset_dir,
        tmp_path / "may",
        Duration(steps=1),
        network="tiny",
        features_path=tmp_path / "features.npy",
        recipe=replace(QUICK, coarse=1.0),
        held_out=0,
        device="cpu",
    )
    spec = load_network(tmp_path / "may" / "generator.pth").spec
    assert (spec.face, spec.audio, spec.width) == (face, audio, 2)
    assert "base64" not in (tmp_path / "may" / "train.html").read_text()


@pytest.mark.parametrize("name", ["generator.pth", "generator.safetensors", "state.pt", "faces.npy", "train.html"])
def test_files_of_no_training_stay_as_they_are(tmp_path: Path, dataset_dir: Path, start: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match=f"{name}: exists and is of no training"):
        run(dataset_dir, tmp_path, start)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_a_folder_holds_one_training(finished: Path, dataset_dir: Path, start: Path) -> None:
    with pytest.raises(OutputError, match="resume it"):
        run(dataset_dir, finished, start)
    with pytest.raises(OptionError, match=r"other settings \(recipe, seed\)"):
        run(dataset_dir, finished, start, resume=True, seed=7, recipe=replace(QUICK, mouth=1.0))


def test_a_damaged_state_is_named(finished: Path, dataset_dir: Path, start: Path, tmp_path: Path) -> None:
    run(dataset_dir, tmp_path / "may", start)
    (tmp_path / "may" / "state.pt").write_bytes(b"no state")
    with pytest.raises(ModelError, match=r"state\.pt"):
        run(dataset_dir, tmp_path / "may", start, resume=True)
    for content in ("{", "[]"):
        (tmp_path / "may" / "train.json").write_text(content)
        with pytest.raises(ModelError, match=r"train\.json: damaged"):
            run(dataset_dir, tmp_path / "may", start, resume=True)


@pytest.mark.parametrize("part", ["all", "steps", "seconds", "mean", "moments", "losses", "scores", "list"])
def test_a_state_of_another_form_is_named(
    finished: Path, dataset_dir: Path, start: Path, tmp_path: Path, part: str
) -> None:
    shutil.copytree(finished, tmp_path / "may")
    path = tmp_path / "may" / "state.pt"
    state = torch.load(path, weights_only=True)
    if part in ("all", "list"):
        state = {} if part == "all" else [1]
    elif part in ("seconds", "losses", "scores"):
        state[part] = {"seconds": float("nan"), "losses": [3], "scores": [{"steps": 1}]}[part]
    elif part == "moments":
        moments = next(iter(state["trainer"]["optimizer"]["state"].values()))
        moments["exp_avg"] = torch.zeros(7)
    else:
        state["trainer"][part] = {"steps": "many", "mean": {"a": torch.zeros(1)}}[part]
    torch.save(state, path)
    with pytest.raises(ModelError, match=r"state\.pt: damaged, the training cannot go on"):
        run(dataset_dir, tmp_path / "may", start, resume=True)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\1\0", None])
def test_damaged_faces_are_named(
    finished: Path, dataset_dir: Path, start: Path, tmp_path: Path, content: bytes | None
) -> None:
    shutil.copytree(finished, tmp_path / "may")
    path = tmp_path / "may" / "faces.npy"
    path.write_bytes(path.read_bytes()[:-1] if content is None else content)
    with pytest.raises(ModelError, match=r"faces\.npy: damaged; remove it"):
        run(dataset_dir, tmp_path / "may", start, resume=True)
    path.unlink()
    run(dataset_dir, tmp_path / "may", start, resume=True)
    assert path.read_bytes() == (finished / "faces.npy").read_bytes()


def test_pipes_in_the_place_of_files_keep_nobody_waiting(
    finished: Path, dataset_dir: Path, start: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "may")
    for name in ("faces.npy", "state.pt"):
        (tmp_path / "may" / name).unlink()
        os.mkfifo(tmp_path / "may" / name)
        with pytest.raises(ModelError, match=f"{name}: damaged"):
            run(dataset_dir, tmp_path / "may", start, resume=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(dataset_dir: Path, start: Path, tmp_path: Path) -> None:
    left = tmp_path / "may" / ".faces.0123abcd.npy"  # of a run that was killed
    left.parent.mkdir()
    left.write_bytes(b"half")
    with files_of_at_most(100_000), pytest.raises(OutputError, match=r"faces\.npy: cannot be written"):
        run(dataset_dir, tmp_path / "may", start)
    assert [path.name for path in (tmp_path / "may").iterdir()] == ["train.json"]
    run(dataset_dir, tmp_path / "may", start, resume=True)


def saved(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("state.pt", "generator.pth", "generator.safetensors"))


def test_a_loss_that_is_no_number_ends_the_training_and_saves_nothing(
    dataset_dir: Path, start: Path, tmp_path: Path
) -> None:
    wild = replace(QUICK, learning_rate=1e30, decay=False)
    with pytest.raises(ModelError, match=r"may: the loss \w+ is no finite number after \d+ steps") as caught:
        run(dataset_dir, tmp_path / "may", start, recipe=wild)
    assert "\n" not in str(caught.value)
    assert not saved(tmp_path / "may")


def test_weights_that_are_no_numbers_are_not_saved(
    dataset_dir: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(trainer: Trainer, *_: object) -> dict[str, float]:
        trainer.steps += 1
        trainer.mean["outc.conv.bias"][0] = float("inf")
        return {"total": 0.5}

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(ModelError, match=r"outc\.conv\.bias is no finite number after 6 steps"):
        run(dataset_dir, tmp_path / "may", start)
    assert not saved(tmp_path / "may")
