"""Read the inputs and outputs of an ONNX file from its bytes, and refuse what no program may hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from frame_generation_pipeline.package.refusal import Refusal, shown
from frame_generation_pipeline.runtime.onnx_checks import problem_of
from frame_generation_pipeline.runtime.onnx_schema import is_as_written, parse_model

DOMAINS = ("", "ai.onnx")  # of the standard operators, by both their names
TYPES: dict[int, str] = {
    1: "float32",
    2: "uint8",
    7: "int64",
    10: "float16",
}  # of inputs and outputs, by ONNX's numbers

Shape = tuple[int | None, ...]  # None for a free length


@dataclass(frozen=True)
class Value:
    """Element type and shape of an input or output."""

    dtype: str
    shape: Shape

    @property
    def size(self) -> int:
        """Bytes, with free lengths taken as 1."""
        return int(np.prod([length or 1 for length in self.shape], dtype=object)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a program, by name."""

    inputs: dict[str, Value]
    outputs: dict[str, Value]


def read_signature(data: bytes) -> Signature:
    """Read the inputs and outputs of the program `data`, which must be the bytes that protobuf writes for this model.

    Raises Refusal for bytes that are not ONNX, for operators that are not ONNX's own, and for what `problem_of` finds.
    """
    try:
        model = parse_model(data)
        problem = problem_of(model, data, DOMAINS)
        if not is_as_written(model, data):
            raise ValueError("not as protobuf writes it: unknown fields, groups, fields twice or in another order")
        if problem:
            raise Refusal(problem)
        return Signature(_values(model.graph.input), _values(model.graph.output))
    except ValueError as error:  # texts that are no UTF-8 among them
        raise Refusal(f"is no ONNX program ({shown(str(error))[1:-1]})") from error


def _values(infos: Iterable[Any]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for info in infos:
        tensor = info.type.tensor_type
        if (dtype := TYPES.get(tensor.elem_type)) is None:
            raise Refusal(f"takes or gives {shown(info.name)} of another type than {', '.join(TYPES.values())}")
        if info.name in values:
            raise Refusal(f"has {shown(info.name)} twice")
        shape = tuple(length.dim_value if length.HasField("dim_value") else None for length in tensor.shape.dim)
        if any(length is not None and length < 0 for length in shape):
            raise Refusal(f"has {shown(info.name)} of a negative length")
        values[info.name] = Value(dtype, shape)
    return values
