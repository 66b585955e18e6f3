"""Servers with a tiny avatar beside the presenter; the extra `[serve]` is imported only by tests that run."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from frame_generation_pipeline.server.settings import ServerSettings
from server.workers import WORKER

if TYPE_CHECKING:
    from server.talking import Talk
    from serving import Running


@pytest.fixture(scope="session")
def avatars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of avatars that holds the tiny one."""
    from serving import AVATARS, TINY

    folder = tmp_path_factory.mktemp("avatars")
    shutil.copytree(AVATARS / TINY, folder / TINY)
    return folder


@pytest.fixture(scope="session")
def server(avatars: Path) -> Iterator["Running"]:
    """One that all tests share which need no options of their own."""
    from serving import running

    with running(ServerSettings(port=0, avatars=avatars)) as running_server:
        yield running_server


@pytest.fixture
def serve() -> Iterator[Callable[[ServerSettings], "Running"]]:
    """`serve(settings)` runs a server until the test ends."""
    from serving import running

    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(running(settings))


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames may be late where tests run; nobody is refused for it."""
    monkeypatch.setattr("frame_generation_pipeline.server.sessions.LATE", 1.0)


@pytest.fixture(autouse=True, scope="session")
def _workers_take_their_turn() -> Iterator[None]:
    """Jobs are made by the workers of `workers.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frame_generation_pipeline.jobs.process.COMMAND", (sys.executable, "-c", WORKER))
        yield


@pytest.fixture
def talk(server: "Running") -> Iterator[Callable[..., "Talk"]]:
    """`talk(video=False)` begins a session of the tiny avatar."""
    from server.talking import Talk

    begun: list[Talk] = []

    def begin(**options: bool) -> Talk:
        begun.append(Talk(server, **options))
        return begun[-1]

    yield begin
    for each in begun:
        each.close()
