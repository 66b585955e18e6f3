"""How ONNX Runtime runs, as a value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Runtime:
    """What ONNX Runtime computes with, and how many faces are remembered. None of it changes what comes out."""

    providers: tuple[str, ...] | None = None  # execution providers in order of preference; None for the CPU
    threads: int | None = None  # None for every core that this process may use
    cache_size: int | None = None  # bytes for remembered faces, of avatars; None for a part of the free memory
    cache_file: Path | None = None  # file that remembers faces from one run to the next, of avatars
