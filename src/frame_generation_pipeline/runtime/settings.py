"""How ONNX Runtime runs, as a value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bounds:
    """What a process may take that runs programs which others made."""

    memory: int = 4 * 2**30  # bytes of addresses, of which ONNX Runtime's libraries take about 1.5 GB
    seconds: float = 10.0  # that one run of a program may take


@dataclass(frozen=True)
class Runtime:
    """What ONNX Runtime computes with, and how many faces are remembered. None of it changes what comes out."""

    providers: tuple[str, ...] | None = None  # execution providers in order of preference; None for the CPU
    threads: int | None = None  # None for every core that this process may use
    cache_size: int | None = None  # bytes for remembered faces, of avatars; None for a part of the free memory
    cache_file: Path | None = None  # file that remembers faces from one run to the next, of avatars
    bounds: Bounds | None = None  # avatars' programs run in a process of their own within these, on the CPU
