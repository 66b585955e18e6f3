"""How a checkpoint or ONNX model becomes a generator, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """How a checkpoint or model is read and run, and what of its template is used; avatar packages say all this."""

    mode: str | None = None  # ave, hubert, wenet or whisper; None where the file tells
    device: str = "auto"  # auto, cpu, cuda or mps; for PyTorch
    backend: str = "torch"  # what runs a checkpoint: torch, the reference, or onnx
    parsing: bool = False  # keep the pixels that the template's parsing images mark
