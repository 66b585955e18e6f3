"""Count the cores that this process may use."""

import os
from math import ceil
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")  # where Linux states the limits of containers
MEMBERSHIP = Path("/proc/self/cgroup")


def available_cores() -> int:
    """The number of cores that this process may use, by its affinity and by the time quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, ceil(min(cores, _quota())))


def _quota() -> float:
    """The smallest time quota of this process's groups and their parents, in cores; infinite without a limit."""
    try:
        groups = [line.split(":", 2) for line in MEMBERSHIP.read_text().splitlines()]
    except OSError:
        return float("inf")
    quotas = [float("inf")]
    for _, controllers, path in (group for group in groups if len(group) == 3):
        if not controllers:  # version 2: one hierarchy
            root, read = CGROUPS, _read_v2
        elif "cpu" in controllers.split(","):
            root, read = CGROUPS / "cpu", _read_v1
        else:
            continue
        folder = root / path.lstrip("/")
        # In a container the path may be the host's and not visible; the root is its own group then.
        quotas += [read(place) for place in (folder, *folder.parents) if place.is_relative_to(root)]
    return min(quotas)


def _read_v2(folder: Path) -> float:
    """`cpu.max`: microseconds of time in each period, or `max`."""
    quota, *period = _words(folder / "cpu.max") or ["max"]
    return _ratio(quota, *period)


def _read_v1(folder: Path) -> float:
    """`cpu.cfs_quota_us`, -1 for no limit, in each `cpu.cfs_period_us`."""
    return _ratio(*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us"))


def _ratio(quota: str = "max", period: str = "100000") -> float:
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return float("inf")
    return int(quota) / int(period)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()[:2]
    except OSError:
        return []
