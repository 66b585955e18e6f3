"""Run the `ave` audio encoder: mel windows in, audio features out, by ONNX Runtime or by torch."""

from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import onnxruntime

from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError
from frame_generation_pipeline.output import complete_file
from frame_generation_pipeline.spec import AVE, AudioSpec

OPSET = 17  # of exported files
EXPORT_TOLERANCE = 1e-4  # largest difference between an exported encoder and torch

_SHAPES = {"windows": (80, 16), "features": AVE.feature_shape}  # of an ONNX file's input and output, for one window


class AudioEncoder(Protocol):
    """What turns mel windows into audio features; each window is encoded on its own."""

    @property
    def spec(self) -> AudioSpec:
        """The type of feature that comes out."""

    def encode(self, windows: np.ndarray) -> np.ndarray:
        """(n, 80, 16) float32 mel windows, n >= 1 -> (n, F) float32 features."""


class OnnxEncoder:
    """The `AudioEncoder` that runs an ONNX file on the CPU.

    Raises MissingFileError, or ModelError for what is not an encoder that `export_encoder` wrote.
    """

    spec = AVE

    def __init__(self, path: str | Path) -> None:
        if not Path(path).is_file():
            raise MissingFileError(f"{path}: no such encoder; give an .onnx file or a checkpoint")
        try:
            self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no narrower base
            raise ModelError(
                f"{path}: not a readable ONNX file ({str(error).splitlines()[0]}); export it again"
            ) from error
        found = {value.name: value.shape for value in self._session.get_inputs() + self._session.get_outputs()}
        if {name: tuple(shape[1:]) for name, shape in found.items()} != _SHAPES:
            raise ModelError(
                f"{path}: not an audio encoder, it has {found}; expected windows (n, 80, 16), features (n, 512)"
            )

    def encode(self, windows: np.ndarray) -> np.ndarray:
        """(n, 80, 16) float32 -> (n, 512) float32."""
        features: np.ndarray = self._session.run(["features"], {"windows": windows})[0]
        return features


def load_encoder(
    path: str | Path, *, backend: Literal["torch", "onnx"] | None = None, device: str = "cpu"
) -> AudioEncoder:
    """The audio encoder of an exported `.onnx` file or of a `.pth` / `.pt` / `.safetensors` checkpoint.

    `backend` is told by the suffix where it is not given; `device` is torch's ("cpu", "cuda"), ONNX files run on the
    CPU. Raises MissingFileError, ModelError for a file that is not this encoder, OptionError for an impossible
    combination.
    """
    if backend is None:
        backend = "onnx" if Path(path).suffix == ".onnx" else "torch"
    if backend not in ("onnx", "torch"):
        raise OptionError(f"backend {backend!r} is unknown; expected onnx or torch")
    if backend == "torch":
        try:
            from .ave_encoder import TorchEncoder
        except ModuleNotFoundError as error:
            raise OptionError(
                f"{path}: a checkpoint needs {error.name}, which is not installed; give an exported .onnx encoder"
                " or pip install 'frame-generation-pipeline[train]'"
            ) from error
        return TorchEncoder(path, device)
    if device != "cpu":
        raise OptionError(f"{path}: ONNX encoders run on the cpu; for device {device!r} give a checkpoint")
    return OnnxEncoder(path)


def export_encoder(checkpoint_path: str | Path, output_path: str | Path) -> None:
    """Write a checkpoint's encoder as an ONNX file that `load_encoder` reads: opset 17, any number of windows.

    Its output is compared with torch's before the file gets its name. Raises what loading a checkpoint raises,
    ModelError when the outputs differ by more than 1e-4, and OutputError when the file cannot be written.
    """
    import torch

    from .ave_encoder import load_ave_encoder, onnx_graph

    encoder = load_ave_encoder(checkpoint_path)
    windows = np.random.default_rng(0).uniform(-4, 4, (3, *_SHAPES["windows"])).astype(np.float32)
    with torch.inference_mode():
        expected = encoder(torch.from_numpy(windows)).numpy()
    with complete_file(Path(output_path)) as temporary:
        temporary.write_bytes(onnx_graph(encoder, OPSET).SerializeToString())
        difference = np.abs(OnnxEncoder(temporary).encode(windows) - expected).max()
        if not difference <= EXPORT_TOLERANCE:  # also when it is not a number
            raise ModelError(
                f"{output_path}: not written, the ONNX encoder differs from torch by {difference:.1e}"
                f" (at most {EXPORT_TOLERANCE:.0e} expected); check the checkpoint's values"
            )
