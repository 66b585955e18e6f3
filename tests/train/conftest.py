"""A small template with features, as a training gets it."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.spec import AVE
from frame_generation_pipeline.template.template import Template
from samples import TINY, draw, seeded_network, write_template
from train.training import run

FRAMES = 40


@pytest.fixture(scope="session")
def dataset_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_template(tmp_path_factory.mktemp("dataset"), FRAMES, size=(192, 160))
    np.save(folder / "aud_ave.npy", draw("features", (FRAMES, 512)))
    return folder


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny generator's checkpoint to begin from."""
    path = tmp_path_factory.mktemp("start") / "tiny.safetensors"
    write_tensors(path, seeded_network(TINY).state_dict())
    return path


@pytest.fixture(scope="session")
def finished(dataset_dir: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that came to its end."""
    output = tmp_path_factory.mktemp("runs") / "may"
    run(dataset_dir, output, start)
    return output


@pytest.fixture(scope="session")
def template(dataset_dir: Path) -> Template:
    return Template.open(dataset_dir)


@pytest.fixture(scope="session")
def features(dataset_dir: Path) -> AudioFeatures:
    return AudioFeatures.load(dataset_dir / "aud_ave.npy", AVE)
