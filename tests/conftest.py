"""Fixtures shared by the tests: where the conformance vectors are, and small generated inputs.

Where an extra is not installed, the tests that need it are left out; everything else must hold without it.
"""

import importlib.util
import logging
from collections.abc import Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.extras import EXTRAS
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.runtime import onnx_session
from samples import draw, seeded_encoder, seeded_network, write_template

if TYPE_CHECKING:
    from frame_generation_pipeline import FrameGenerationPipeline

SHARED = Path(__file__).resolve().parents[2] / "shared"
EXTRA = {name for names in EXTRAS.values() for name in names} | {
    "librosa",
    "soundfile",
    "httpx",
    "schemathesis",
    "selenium",
}
WITHOUT = {name for name in EXTRA if importlib.util.find_spec(name) is None}  # of what the extras bring


# What these tests share takes long to make; each group goes to one of the processes that pytest-xdist starts.
GROUPS = {"evaluate", "package", "prepare", "server", "tracking", "train"}
# Of groups and files those that take longest: they are begun first, so that the processes end at about the same time.
LONGEST = (
    *("server", "prepare", "train", "test_continuing.py", "evaluate", "test_create.py", "package", "test_pipeline.py"),
    *("test_cli.py", "test_export_coreml.py", "test_distill.py"),
)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Leave out a file of tests that imports what is not installed of the extras."""
    report = yield
    error = report.call.excinfo.value.__cause__ if report.call and report.call.excinfo else None
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in WITHOUT:
        report.outcome, report.result, report.longrepr = "passed", [], None
    return report


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the markers in this hook too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, or of a folder in GROUPS, in one process; a marker of a test's own comes first."""
    places = {name: place for place, name in enumerate(LONGEST)}

    def group(item: pytest.Item) -> str:
        folder = item.path.parent.name
        return folder if folder in GROUPS else item.path.name

    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(group(item) if group(item) in GROUPS else str(item.path)))
    items.sort(key=lambda item: places.get(group(item), len(LONGEST)))


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
def _one_thread() -> Iterator[None]:
    """Networks this small gain nothing from more, and on a busy machine threads that wait for each other are slow."""
    cv2.setNumThreads(1)
    if "torch" not in WITHOUT:
        importlib.import_module("torch").set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # PyTorch's, in processes that tests start
        patch.setattr(onnx_session, "available_cores", lambda: 1)
        yield


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


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, encoder_path: Path) -> Path:
    """The tiny generator as an avatar that hears: a file, of four frames with parsing images."""
    pytest.importorskip("torch", reason="needs the extra [train]")
    from frame_generation_pipeline.making.label import Label
    from frame_generation_pipeline.making.pack import pack_avatar

    folder = tmp_path_factory.mktemp("package")
    template = write_template(folder / "template", 4, parsing=True)
    pack_avatar(
        folder / "may.avatar",
        checkpoint=checkpoint,
        template=template,
        encoder=encoder_path,
        label=Label(licence="CC0"),
    )
    return folder / "may.avatar"


@pytest.fixture(scope="session")
def pipeline(checkpoint: Path) -> "FrameGenerationPipeline":
    """The original's calls on the tiny generator."""
    from frame_generation_pipeline import FrameGenerationPipeline

    return FrameGenerationPipeline(checkpoint_path=checkpoint, mode="ave", device="cpu")
