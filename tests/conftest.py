"""Fixtures shared by the tests: where the conformance vectors are, and small generated inputs.

Where an extra is not installed, the tests that need it are left out; everything else must hold without it.
"""

import importlib.util
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from frame_generation_pipeline.extras import EXTRAS
from frame_generation_pipeline.making.checkpoint import write_tensors
from samples import draw, seeded_encoder, seeded_network, write_template

SHARED = Path(__file__).resolve().parents[2] / "shared"
EXTRA = {name for names in EXTRAS.values() for name in names} | {"librosa", "soundfile", "httpx", "selenium"}
WITHOUT = {name for name in EXTRA if importlib.util.find_spec(name) is None}  # of what the extras bring


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out a file of tests that imports what is not installed of the extras."""
    if not WITHOUT or collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    spec = importlib.util.spec_from_file_location("collected", collection_path)
    assert spec
    assert spec.loader
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in WITHOUT:
            return True
        raise
    return None


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The conformance vectors of the original programs; tests that need them skip where they are absent."""
    path = SHARED / "reference"
    if not path.is_dir():
        pytest.skip("conformance vectors ../shared/reference are absent")
    return path


@pytest.fixture(scope="session")
def real_dir() -> Path:
    """Real footage, landmarks, features and a trained checkpoint; tests that need them skip where they are absent."""
    path = SHARED / "real"
    if not path.is_dir():
        pytest.skip("real footage ../shared/real is absent")
    return path


@pytest.fixture(scope="session")
def seeded_weights(reference_dir: Path) -> ModuleType:
    """The recipe of the conformance vectors' weights."""
    spec = importlib.util.spec_from_file_location("seeded_weights", reference_dir / "seeded_weights.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="session")
def _one_torch_thread() -> None:
    """Networks this small gain nothing from more, and on a busy machine threads that wait for each other are slow."""
    if "torch" not in WITHOUT:
        importlib.import_module("torch").set_num_threads(1)


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    """The command line sets logging up for the process; a test must not leave that behind."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    yield
    root.handlers[:] = handlers


@pytest.fixture
def template_dir(tmp_path: Path) -> Path:
    """A template of three frames."""
    return write_template(tmp_path / "template")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's kind of checkpoint file, of the tiny generator."""
    path = tmp_path_factory.mktemp("checkpoint") / "5.pth"
    write_tensors(path, seeded_network().state_dict())
    return path


@pytest.fixture(scope="session")
def encoder_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the `ave` encoder, its names without the module's prefix, as on disk."""
    path = tmp_path_factory.mktemp("encoder") / "encoder.pth"
    write_tensors(path, seeded_encoder().audio_encoder.state_dict())
    return path


@pytest.fixture(scope="session")
def features_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight frames of `ave` features."""
    path = tmp_path_factory.mktemp("features") / "aud_ave.npy"
    np.save(path, draw("features", (8, 512)))
    return path
