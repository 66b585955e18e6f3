"""What a training refuses: a start, voices, durations, devices and values that cannot be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from frame_generation_pipeline.errors import FeatureError, ModelError, OptionError
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.train.run import Duration, train
from samples import draw, write_template
from train.training import run


def test_start_must_fit_the_features(start: Path, tmp_path: Path) -> None:
    folder = write_template(tmp_path / "template", 12)
    np.save(folder / "aud_whisper.npy", draw("whisper", (12, 256)))
    with pytest.raises(
        ModelError,
        match=r"is for ave features, .*aud_whisper\.npy holds whisper ones; `framegen features .*aud\.wav --mode ave",
    ):
        run(folder, tmp_path / "may", start)


def test_other_voices_change_the_training_and_must_fit(
    finished: Path, dataset_dir: Path, start: Path, tmp_path: Path
) -> None:
    features = np.load(dataset_dir / "aud_ave.npy")
    np.save(tmp_path / "voice.npy", features[::-1])
    run(dataset_dir, tmp_path / "two", start, other_voices=[tmp_path / "voice.npy"])
    name = "generator.safetensors"
    assert (tmp_path / "two" / name).read_bytes() != (finished / name).read_bytes()
    with pytest.raises(OptionError, match="other settings \\(template\\)"):
        run(dataset_dir, tmp_path / "two", start, resume=True)
    np.save(tmp_path / "short.npy", features[:-1])
    with pytest.raises(FeatureError, match=r"short.npy: 39 features; another voice .* as many as .*aud_ave.npy, 40"):
        run(dataset_dir, tmp_path / "no", start, other_voices=[tmp_path / "short.npy"])
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("values", [{}, {"steps": 1, "minutes": 1.0}, {"steps": 0}, {"minutes": -1.0}])
def test_durations(values: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Duration(**values)


def test_devices(dataset_dir: Path, start: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="cuda"):
            train(dataset_dir, tmp_path / "may", Duration(steps=1), start=start, device="cuda")
    assert not (tmp_path / "may").exists()


def test_a_start_that_went_wrong_is_refused(dataset_dir: Path, start: Path, tmp_path: Path) -> None:
    state = load_network(start).state_dict()
    state["outc.conv.bias"][0] = float("nan")
    torch.save(state, tmp_path / "start.pth")
    with pytest.raises(ModelError, match=r"start\.pth: outc\.conv\.bias has values that are not finite"):
        run(dataset_dir, tmp_path / "may", tmp_path / "start.pth")
    assert not (tmp_path / "may").exists()
