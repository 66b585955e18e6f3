"""Options of ONNX Runtime."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bounds:
    """Limits of a process that runs programs of other people."""

    memory: int = 4 * 2**30  # bytes of addresses, of which ONNX Runtime's libraries take about 1.5 GB
    seconds: float = 10.0  # for one run of a program


@dataclass(frozen=True)
class Runtime:
    """What ONNX Runtime computes with, and how many face states it keeps; neither changes the frames on the CPU."""

    providers: tuple[str, ...] | None = None  # execution providers in order of preference; None: the CPU
    threads: int | None = None  # None: one for each core that this process may use
    cache_size: int | None = None  # bytes for an avatar's face states; None: a fraction of the free memory
    cache_file: Path | None = None  # file that keeps an avatar's face states for later runs
    bounds: Bounds | None = (
        None  # limits of a process that runs an avatar's programs on the CPU; None: this process runs them
    )
