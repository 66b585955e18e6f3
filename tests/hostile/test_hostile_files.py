"""Every reader against files that are not what they seem: refused in one line, in bounded time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hostile.cases import CASES
from hostile.worker import SECONDS

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each case; a process that dies is started again with the case after that."""
    folder = tmp_path_factory.mktemp("hostile")
    refusals: dict[str, dict[str, Any]] = {}
    names = list(CASES)
    while len(refusals) < len(names):
        command = [sys.executable, str(HERE / "worker.py"), str(folder), str(len(refusals))]
        path = os.pathsep.join([str(HERE.parent), *sys.path])
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=1200, check=False, env=os.environ | {"PYTHONPATH": path}
        )
        for line in done.stdout.splitlines():
            report = json.loads(line)
            refusals[report["case"]] = report
        if len(refusals) < len(names):
            refusals[names[len(refusals)]] = {"died": f"{done.returncode}: {done.stderr[-1000:]}"}
    return refusals


def test_there_are_many() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str, reports: dict[str, dict[str, Any]]) -> None:
    report = reports[name]
    assert "died" not in report, report["died"]
    refusal = report["refusal"]
    assert refusal, "was taken"
    assert not refusal.startswith("FAILED"), refusal
    assert refusal.isprintable()
    assert len(refusal) < 1000
    assert Path(report["path"]).name in refusal
    assert report["seconds"] < SECONDS
    assert report["more"] == []
