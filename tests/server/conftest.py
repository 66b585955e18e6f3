"""Servers with a tiny avatar beside the presenter."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from frame_generation_pipeline.server.settings import ServerSettings
from serving import AVATARS, TINY, Running, running


@pytest.fixture(scope="session")
def avatars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of avatars that holds the tiny one."""
    folder = tmp_path_factory.mktemp("avatars")
    shutil.copytree(AVATARS / TINY, folder / TINY)
    return folder


@pytest.fixture(scope="session")
def server(avatars: Path) -> Iterator[Running]:
    """One that all tests share which need no options of their own."""
    with running(ServerSettings(port=0, avatars=avatars)) as found:
        yield found


@pytest.fixture
def serve() -> Iterator[Callable[[ServerSettings], Running]]:
    """`serve(settings)` runs a server until the test ends."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(running(settings))


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames may be late where tests run; nobody is refused for it."""
    monkeypatch.setattr("frame_generation_pipeline.server.sessions.LATE", 1.0)
