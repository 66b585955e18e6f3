"""Cores are those that a process may use, also in a container."""

import os
from pathlib import Path

import pytest

from frame_generation_pipeline.runtime import cores
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.weights import FACE_DETECTOR


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty tree of control groups, on a machine with eight cores."""
    monkeypatch.setattr(cores, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_groups_all_cores_count(groups: Path) -> None:
    assert cores.available_cores() == 8


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8)],
)
@pytest.mark.parametrize("place", ["", "pod/box"])
def test_a_quota_of_version_2(groups: Path, place: str, limit: str, expected: int) -> None:
    write(groups / "membership", "0::/pod/box\n")
    write(groups / "cgroup" / place / "cpu.max", limit + "\n")
    assert cores.available_cores() == expected


def test_the_smallest_quota_on_the_way_up(groups: Path) -> None:
    write(groups / "membership", "0::/pod/box\n")
    write(groups / "cgroup" / "pod" / "cpu.max", "300000 100000\n")
    write(groups / "cgroup" / "pod" / "box" / "cpu.max", "max 100000\n")
    assert cores.available_cores() == 3


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("250000", 3)])
def test_a_quota_of_version_1(groups: Path, quota: str, expected: int) -> None:
    write(groups / "membership", "12:memory:/box\n4:cpu,cpuacct:/box\n")
    write(groups / "cgroup" / "cpu" / "box" / "cpu.cfs_quota_us", quota)
    write(groups / "cgroup" / "cpu" / "box" / "cpu.cfs_period_us", "100000")
    assert cores.available_cores() == expected


@pytest.mark.parametrize("text", ["", "no numbers", "0 100000", "100000 0", "-5 x y"])
def test_what_is_no_quota_limits_nothing(groups: Path, text: str) -> None:
    write(groups / "membership", "0::/\n:\n")
    write(groups / "cgroup" / "cpu.max", text)
    assert cores.available_cores() == 8


def test_sessions_take_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frame_generation_pipeline.runtime.onnx_session.available_cores", lambda: 3)
    assert open_session(FACE_DETECTOR).threads == 3
    assert open_session(FACE_DETECTOR, threads=1).threads == 1
