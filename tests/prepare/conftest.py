"""Recordings of a photograph that moves, prepared once."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.prepare.prepare import Preparation, prepare
from recordings import moved, portrait, write_recording

FRAMES = 60


@pytest.fixture(scope="session")
def frames() -> list[np.ndarray]:
    image = portrait()
    return [moved(image, index) for index in range(FRAMES)]


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory, frames: list[np.ndarray]) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording") / "person.mp4", frames)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, recording: Path) -> Preparation:
    return prepare(recording, tmp_path_factory.mktemp("dataset") / "person")
