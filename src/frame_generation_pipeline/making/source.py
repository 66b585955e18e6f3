"""Options of how a checkpoint or ONNX model becomes a generator."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """How a checkpoint or model is read and run, and whether parsing images are used; packages state all of this."""

    mode: str | None = None  # ave, hubert, wenet, whisper or streaming; None: recognised from the file
    device: str = "auto"  # PyTorch's: auto, cpu, cuda or mps
    backend: str = "torch"  # runs a checkpoint: torch, the reference, or onnx
    parsing: bool = False  # keep the pixels that the template's parsing images mark
