"""Run a Core ML program with NumPy, to check a converted network on systems without Core ML.

Core ML runs on Apple systems alone. A `.mlpackage` holds a specification, a protocol buffer with operators in the order
of their computation, and a file of weights. An operator's output is rounded to its stated type. Only the operators of
this project's networks are supported.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import ModelError

Array = npt.NDArray[Any]
Port = tuple[np.dtype[Any], tuple[int, ...]]  # element type and shape

_DATA = Path("Data/com.apple.CoreML")  # of a package
_BLOB = struct.Struct("<IIQQ")  # mark, element type, size, offset: the header of a weight
_BLOB_MARK = 0xDEADBEEF
_BLOB_TYPES: dict[int, np.dtype[Any]] = {1: np.dtype(np.float16), 2: np.dtype(np.float32)}
_TYPES: dict[int, np.dtype[Any]] = {  # MIL.proto's DataType
    10: np.dtype(np.float16),
    11: np.dtype(np.float32),
    23: np.dtype(np.int32),
    33: np.dtype(np.uint32),
}
_PORT_TYPES: dict[int, np.dtype[Any]] = {
    65552: np.dtype(np.float16),
    65568: np.dtype(np.float32),
}  # FeatureTypes.proto's ArrayDataType


@dataclass(frozen=True)
class CoreMLProgram:
    """The program of a `.mlpackage`."""

    version: int  # of the specification; 7 is that of iOS 16 and macOS 13
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    operations: tuple[Any, ...]
    weights: bytes

    @classmethod
    def open(cls, path: Path) -> "CoreMLProgram":
        """Read the package `path`. Raises ModelError if it holds no program as `export_coreml` writes them."""
        from coremltools.proto import Model_pb2

        specification = Model_pb2.Model()
        specification.ParseFromString((path / _DATA / "model.mlmodel").read_bytes())
        (function,) = specification.mlProgram.functions.values()
        (block,) = function.block_specializations.values()
        described = specification.description
        return cls(
            specification.specificationVersion,
            {port.name: _port(port, path) for port in described.input},
            {port.name: _port(port, path) for port in described.output},
            tuple(block.operations),
            (path / _DATA / "weights" / "weight.bin").read_bytes(),
        )

    @property
    def operators(self) -> set[str]:
        """The kinds of its operators, without constants."""
        return {operation.type for operation in self.operations} - {"const"}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Compute the outputs for `inputs` of the stated types and shapes. Raises ModelError for unknown operators."""
        values: dict[str, Any] = dict(inputs)
        for operation in self.operations:
            (output,) = operation.outputs
            if operation.type == "const":
                values[output.name] = self._constant(operation.attributes["val"])
                continue
            if operation.type not in _OPERATORS:
                raise ModelError(f"the Core ML program has an operator {operation.type}, which is not known here")
            arguments = {
                name: [values[a.name] if a.name else self._constant(a.value) for a in given.arguments]
                for name, given in operation.inputs.items()
            }
            computed = _OPERATORS[operation.type](
                **{name: value if name == "values" else value[0] for name, value in arguments.items()}
            )
            values[output.name] = computed.astype(_TYPES[output.type.tensorType.dataType])
        return {name: values[name] for name in self.outputs}

    def _constant(self, value: Any) -> Any:
        """The value of a constant: a tensor, a number, a boolean or a text."""
        kind = value.type.tensorType
        shape = tuple(length.constant.size for length in kind.dimensions)
        if value.HasField("blobFileValue"):
            mark, dtype, size, start = _BLOB.unpack_from(self.weights, value.blobFileValue.offset)
            if mark != _BLOB_MARK:
                raise ModelError("the Core ML program's weights are not where it says")
            return np.frombuffer(self.weights[start : start + size], _BLOB_TYPES[dtype]).reshape(shape)
        tensor = value.immediateValue.tensor
        kept = tensor.WhichOneof("value")
        if kept == "bytes":
            return np.frombuffer(tensor.bytes.values, _TYPES[kind.dataType]).reshape(shape)
        values = list(getattr(tensor, kept).values)
        return values if shape else values[0]


def _port(port: Any, path: Path) -> Port:
    array = port.type.multiArrayType
    if array.dataType not in _PORT_TYPES:
        raise ModelError(f"{path}: {port.name} is no array of floating-point numbers")
    return _PORT_TYPES[array.dataType], tuple(array.shape)


def _convolve(
    *,
    x: Array,
    weight: Array,
    strides: list[int],
    pad: list[int],
    pad_type: str,
    dilations: list[int],
    groups: int,
    bias: Array | None = None,
) -> Array:
    """Convolve (n, c, h, w) to (n, k, h', w'), in one group or depthwise."""
    if dilations != [1, 1] or groups not in (1, x.shape[1]) or pad_type not in ("valid", "custom"):
        raise ModelError("the Core ML program has a convolution of a kind that is not known here")
    above, below, left, right = pad if pad_type == "custom" else (0, 0, 0, 0)
    padded = np.pad(x.astype(np.float32), ((0, 0), (0, 0), (above, below), (left, right)))
    taps = weight.astype(np.float32)
    down, across = strides
    high, wide = (padded.shape[2] - taps.shape[2]) // down + 1, (padded.shape[3] - taps.shape[3]) // across + 1
    total = np.zeros((len(x), len(taps), high, wide), np.float32)
    for row in range(taps.shape[2]):
        for column in range(taps.shape[3]):
            seen = padded[:, :, row : row + down * high : down, column : column + across * wide : across]
            seen = seen[:, :, :high, :wide]
            if groups == 1:
                flat = np.ascontiguousarray(seen).reshape(*seen.shape[:2], -1)
                total += (taps[:, :, row, column] @ flat).reshape(total.shape)
            else:
                total += taps[None, :, 0, row, column, None, None] * seen
    return total if bias is None else total + bias.astype(np.float32)[:, None, None]


def _upsample(*, x: Array, scale_factor_height: float, scale_factor_width: float, align_corners: bool) -> Array:
    """Upsample bilinearly; the corner pixels stay in the corners."""
    if not align_corners:
        raise ModelError("the Core ML program scales in a way that is not known here")
    down = _interpolation(x.shape[2], int(scale_factor_height))
    across = _interpolation(x.shape[3], int(scale_factor_width))
    return np.asarray(down @ x.astype(np.float32) @ across.T)


def _interpolation(length: int, factor: int) -> npt.NDArray[np.float32]:
    """The matrix (length * factor, length) that interpolates linearly from the first sample to the last."""
    places = np.linspace(0, length - 1, length * factor)
    weights: npt.NDArray[np.float32] = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(length)), dtype=np.float32)
    return weights


def _shuffle(*, x: Array, upscale_factor: int) -> Array:
    """(n, c r^2, h, w) -> (n, c, h r, w r)."""
    n, channels, high, wide = x.shape
    r = int(upscale_factor)
    return (
        x.reshape(n, channels // r**2, r, r, high, wide).transpose(0, 1, 4, 2, 5, 3).reshape(n, -1, high * r, wide * r)
    )


def _unshuffle(*, x: Array, downscale_factor: int) -> Array:
    """(n, c, h r, w r) -> (n, c r^2, h, w)."""
    n, channels, high, wide = x.shape
    r = int(downscale_factor)
    return (
        x.reshape(n, channels, high // r, r, wide // r, r)
        .transpose(0, 1, 3, 5, 2, 4)
        .reshape(n, -1, high // r, wide // r)
    )


def _sigmoid(*, x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x.astype(np.float32))))


_OPERATORS: Mapping[str, Callable[..., Array]] = {
    "add": lambda *, x, y: x.astype(np.float32) + y,
    "cast": lambda *, x, dtype: x,  # to the output's stated type
    "concat": lambda *, values, axis, interleave: np.concatenate(values, axis=int(axis)),
    "conv": _convolve,
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _unshuffle,
    "relu": lambda *, x: np.maximum(x, 0),
    "sigmoid": _sigmoid,
    "upsample_bilinear": _upsample,
}
