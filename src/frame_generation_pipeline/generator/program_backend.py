"""Run the face program and the render program with ONNX Runtime; PyTorch and OpenCV are not needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.runtime.isolated import IsolatedProcess
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.spec import BLENDS, REFERENCE, WINDOW, GeneratorSpec

_TYPES = ("uint8", "int32", "int64", "float16", "float")  # element types of a face state, as ONNX Runtime names them
_ARGUMENTS = {"window", "crop", "blend", "keep"}  # inputs of the render program in addition to the face state


@dataclass(frozen=True, eq=False)
class ProgramState:
    """The face state of a template frame: the outputs of the face program by name."""

    tensors: Mapping[str, npt.NDArray[np.generic]]

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


class ProgramGenerator:
    """A generator in the form of a face program and a render program. Several threads may call it at once."""

    def __init__(
        self,
        face: str | Path | bytes,
        render: str | Path | bytes,
        spec: GeneratorSpec,
        *,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
        process: IsolatedProcess | None = None,
    ) -> None:
        """Open both programs, each a file or its content. providers: see `open_session`.

        process: runs the programs, on the CPU and whatever the providers; None: this process.
        threads: how many frames are best rendered at once, each by one thread of its own; by default one for each core.

        Raises MissingFileError; OptionError for a provider that is not available; ModelError if a program cannot be
        read, is not for `spec` or does not belong to the other one.
        """
        self.spec = spec
        self.concurrency = threads or available_cores()
        self._face, self._render = (
            process.open(model) if process else open_session(model, providers=providers, threads=1)
            for model in (face, render)
        )
        inputs = {tensor.name: tensor for tensor in self._render.get_inputs()}
        state = [(tensor.name, tensor.shape) for tensor in self._face.get_outputs()]
        if state != [(name, tensor.shape) for name, tensor in inputs.items() if name not in _ARGUMENTS]:
            raise ModelError("the face program and the render program are of different avatars; export both again")
        expected = [WINDOW, spec.audio.feature_size]
        if "window" not in inputs or inputs["window"].shape != expected:
            raise ModelError(f"the render program takes no windows {expected} of {spec.audio.name}; export it again")
        self._names = [name for name, _ in state]
        self.state_tensors = {tensor.name: _kind(tensor, "face") for tensor in self._face.get_outputs()}
        self.parsing = "keep" in inputs
        self.blends = BLENDS if "blend" in inputs else (REFERENCE,)  # those that the program has

    def encode_face(self, crop: npt.NDArray[np.uint8]) -> ProgramState:
        """Compute the face state of a crop (h, w, 3) uint8 BGR.

        Raises ModelError if the program fails or gives another shape or type than it states.
        """
        tensors = dict(zip(self._names, self._face.run(self._names, {"crop": crop}), strict=True))
        for name, tensor in tensors.items():
            _check(tensor, *self.state_tensors[name], f"the face program's {name}")
        return ProgramState(tensors)

    def render(
        self,
        state: ProgramState,
        window: npt.NDArray[np.float32],
        crop: npt.NDArray[np.uint8],
        keep: npt.NDArray[np.bool_] | None = None,
        blend: str = REFERENCE,
    ) -> npt.NDArray[np.uint8]:
        """Render the patch (h, w, 3) uint8 BGR: the crop with the face that says `window`.

        The arguments are those of `Generator.render`. Raises ModelError if the program fails or gives another shape or
        type, and for `keep` if the program was built without `parsing`.
        """
        arguments: dict[str, npt.NDArray[np.generic]] = {"window": window, "crop": crop}
        if self.blends == BLENDS:
            arguments["blend"] = np.array(BLENDS.index(blend), np.uint8)
        if self.parsing:
            arguments["keep"] = np.zeros(crop.shape[:2], np.uint8) if keep is None else keep.astype(np.uint8)
        elif keep is not None:
            raise ModelError("the render program cannot keep pixels of the crop; build it with parsing")
        patch = self._render.run(["patch"], {**arguments, **state.tensors})[0]
        _check(patch, np.dtype(np.uint8), crop.shape, "the render program's patch")
        return patch


def _kind(tensor: onnxruntime.NodeArg, role: str) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    """Element type and shape of an output, whose type is stated as `tensor(uint8)`, say. Raises ModelError."""
    name = tensor.type.removeprefix("tensor(").removesuffix(")")
    if name not in _TYPES or not all(type(side) is int and side >= 0 for side in tensor.shape):
        raise ModelError(
            f"the {role} program's {tensor.name!r} is {tensor.type} of shape {tensor.shape}; export it again"
        )
    return np.dtype({"float": np.float32}.get(name, name)), tuple(tensor.shape)


def _check(tensor: npt.NDArray[Any], dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> None:
    if tensor.shape != shape or tensor.dtype != dtype:
        raise ModelError(
            f"{what} came out as {tensor.dtype} of shape {tensor.shape}, expected {dtype} {shape}; export the avatar's"
            " programs again"
        )
