"""What an ONNX file takes and gives, read from its bytes before any runtime sees it, and what no program may hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from frame_generation_pipeline.package.onnx_schema import parse_model
from frame_generation_pipeline.package.refusal import Refusal, shown

DOMAINS = ("", "ai.onnx")  # of the standard operators, by both their names
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
TYPES: dict[int, str] = {1: "float32", 2: "uint8", 7: "int64", 10: "float16"}  # that programs take and give
_NOT_PLAIN = {"g", "graphs", "sparse_tensor", "sparse_tensors"}  # attributes of operators

Shape = tuple[int | None, ...]  # None where a length is free


@dataclass(frozen=True)
class Value:
    """Element type and shape of what a program takes or gives."""

    dtype: str
    shape: Shape

    @property
    def size(self) -> int:
        """Bytes, with free lengths taken as 1."""
        return int(np.prod([length or 1 for length in self.shape], dtype=object)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Signature:
    """What a program takes and gives, by name."""

    inputs: dict[str, Value]
    outputs: dict[str, Value]


def read_signature(data: bytes) -> Signature:
    """Inputs and outputs of the ONNX file `data`, whose bytes are exactly what was checked of it: see `parse_model`.

    Raises Refusal for what is not ONNX, and for programs with control flow, with operators that are not ONNX's own, or
    with weights in other files.
    """
    if data[4:8] == b"ORTM":  # by which ONNX Runtime knows its own format; a file can be both
        raise Refusal("is no ONNX program")
    try:
        model = parse_model(data)
        _check_model(model)
        return Signature(_values(model.graph.input), _values(model.graph.output))
    except ValueError as error:  # texts that are no UTF-8 among them
        raise Refusal(f"is no ONNX program ({shown(str(error))[1:-1]})") from error


def _check_model(model: Any) -> None:
    if not model.HasField("graph"):
        raise ValueError("no graph")
    for opset in model.opset_import:
        _check_domain(opset.domain)
    if model.functions or model.training_info:
        raise Refusal("defines functions or training steps; expected one plain graph")
    if model.graph.sparse_initializer:
        raise Refusal("has sparse weights; expected plain ones")
    _check_tensors(model.graph.initializer)
    for node in model.graph.node:
        _check_domain(node.domain)
        if node.op_type in CONTROL_FLOW:
            raise Refusal(f"has control flow ({node.op_type}); expected one plain graph")
        for attribute in node.attribute:
            if any(part.name in _NOT_PLAIN for part, _ in attribute.ListFields()):
                raise Refusal(
                    f"has a graph or sparse weights inside of {shown(node.op_type)}; expected plain operators"
                )
            _check_tensors([attribute.t, *attribute.tensors])


def _check_domain(domain: str) -> None:
    if domain not in DOMAINS:
        raise Refusal(f"uses operators of {shown(domain)}; expected ONNX's own alone")


def _check_tensors(tensors: Iterable[Any]) -> None:
    if any(tensor.external_data or tensor.data_location for tensor in tensors):
        raise Refusal("has weights in another file; expected all inside of the program")


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
