"""Avatars that others made, which run in processes of their own."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.server.running import prepare
from frame_generation_pipeline.server.settings import ServerSettings
from server.talking import Talk, tone
from serving import Running


def isolated_processes() -> list[int]:
    """Children of this process that run programs of others."""
    processes = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"isolated_process" in (path / "cmdline").read_bytes():
                processes.append(int(path.name))
        except OSError:  # it has ended
            continue
    return processes


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not tell which processes there are")
def test_they_speak_from_a_process_of_their_own_which_may_end(
    serve: Callable[[ServerSettings], Running], avatars: Path
) -> None:
    assert isolated_processes() == []
    server = serve(ServerSettings(port=0, foreign_avatars=avatars))
    assert isolated_processes() == []  # until somebody asks for one
    talk = Talk(server)
    talk.say(tone(0.4), event_id="one")
    assert talk.until("agent.speak_ended", event_id="one")["interrupted"] is False
    (process,) = isolated_processes()
    os.kill(process, signal.SIGKILL)
    talk.say(tone(0.4), event_id="two")
    talk.until("agent.speak_ended", event_id="two")  # interrupted, unless a frame at rest was painted first
    talk.say(tone(0.4), event_id="three")
    assert talk.until("agent.speak_ended", event_id="three")["interrupted"] is False
    assert isolated_processes() != [process]
    talk.close()


def test_one_id_stands_for_one_avatar(avatars: Path) -> None:
    with pytest.raises(OptionError, match="another avatar"):
        prepare(ServerSettings(port=0, avatars=avatars, foreign_avatars=avatars))
