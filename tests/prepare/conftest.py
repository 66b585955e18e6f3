"""Recordings of a photograph that moves, prepared once."""

from pathlib import Path

import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.prepare.prepare import Preparation, prepare
from recordings import moved, portrait, write_recording

FRAMES = 60


@pytest.fixture(scope="session")
def frames() -> list[Frame]:
    image = portrait()
    return [moved(image, index) for index in range(FRAMES)]


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory, frames: list[Frame]) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording") / "person.mp4", frames)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, recording: Path) -> Preparation:
    return prepare(recording, tmp_path_factory.mktemp("dataset") / "person")
