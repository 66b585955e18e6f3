import subprocess
import sys
from pathlib import Path

from serving import TINY, Running

EXAMPLE = Path(__file__).parents[2] / "examples" / "dialogue.py"


def dialogue(server: Running, lines: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLE), server.address]
    return subprocess.run(command, input=lines, capture_output=True, text=True, timeout=300, check=False)


def test_a_program_answers_what_it_hears(server: Running) -> None:
    assert "press Start" in dialogue(server, "").stderr
    session = server.client.post("/v1/sessions", json={"avatar": TINY}).json()
    done = dialogue(server, "hello\nand again\n")
    server.client.delete(f"/v1/sessions/{session['id']}")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"You said: {line}. Tell me more." for line in ("hello", "and again")]
