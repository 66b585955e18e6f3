"""Refuse ONNX files with contents that ONNX Runtime must not get."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

import numpy as np

CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
_NOT_PLAIN = {"g", "graphs", "sparse_tensor", "sparse_tensors"}  # attributes of operators
_FLOATS = {1: "<f4", 11: "<f8"}  # by onnx.proto's number
_HALVES = {10: 0x7C00, 16: 0x7F80}  # float16 and bfloat16: the bits that are all set in NaN and Inf


def problem_of(model: Any, data: bytes, domains: Sequence[str] | None = None) -> str | None:
    """The problem of a ModelProto, which was parsed from `data`, as the rest of a sentence; None if it has none.

    Problems are control flow, functions, sparse weights, weights in other files, weights that are not finite, and
    operators of other `domains`. Raises ValueError for data that is no model, and for ONNX Runtime's own format.
    """
    if data[4:8] == b"ORTM":  # by which ONNX Runtime knows its own format; a file can be both
        raise ValueError("of ONNX Runtime's own format")
    if not model.HasField("graph"):
        raise ValueError("no graph")
    graph = model.graph
    foreign = [one.domain for one in (*model.opset_import, *graph.node) if domains and one.domain not in domains]
    if foreign:
        return f"uses operators of {_shown(foreign[0])}; expected ONNX's own alone"
    if model.functions or model.training_info:
        return "defines functions or training steps; expected one plain graph"
    if graph.sparse_initializer:
        return "has sparse weights; expected plain ones"
    problem = _tensor_problem(graph.initializer)
    for node in graph.node:
        problem = problem or _node_problem(node)
    return problem


def _node_problem(node: Any) -> str | None:
    if node.op_type in CONTROL_FLOW:
        return f"has control flow ({node.op_type}); expected one plain graph"
    for attribute in node.attribute:
        if any(part.name in _NOT_PLAIN for part, _ in attribute.ListFields()):
            return f"has a graph or sparse weights inside of {_shown(node.op_type)}; expected plain operators"
        if not all(map(isfinite, (attribute.f, *attribute.floats))):
            return f"has {_shown(attribute.name)} of {_shown(node.op_type)} that is no finite number"
        if problem := _tensor_problem([attribute.t, *attribute.tensors]):
            return problem
    return None


def _tensor_problem(tensors: Iterable[Any]) -> str | None:
    for tensor in tensors:
        if tensor.external_data or tensor.data_location:
            return "has weights in another file; expected all inside of the program"
        if not _is_finite(tensor):
            return f"has weights {_shown(tensor.name)} with values that are not finite numbers"
    return None


def _is_finite(tensor: Any) -> bool:
    """Whether all values of a tensor are finite; types other than floats are always finite."""
    raw = tensor.raw_data
    if kind := _FLOATS.get(tensor.data_type):
        values = np.frombuffer(raw, kind, len(raw) // np.dtype(kind).itemsize)
        with np.errstate(all="ignore"):  # a sum is finite only if all values are, and needs no memory
            good = bool(np.isfinite(values.sum()) or np.isfinite(values).all())
        return good and all(map(isfinite, tensor.float_data)) and all(map(isfinite, tensor.double_data))
    if exponent := _HALVES.get(tensor.data_type):
        bits = np.frombuffer(raw, "<u2", len(raw) // 2)
        return not np.any(bits & exponent == exponent) and all(x & exponent != exponent for x in tensor.int32_data)
    return True


def _shown(text: str) -> str:
    return ascii(text[:100])
