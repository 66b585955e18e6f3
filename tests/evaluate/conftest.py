from pathlib import Path

import pytest

from speaker import write_recording


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of a face that speaks."""
    return write_recording(tmp_path_factory.mktemp("recording"))
