"""Fixtures shared by the tests: where the conformance vectors are, and small generated inputs."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


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
