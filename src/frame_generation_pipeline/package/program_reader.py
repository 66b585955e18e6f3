"""What an ONNX file takes and gives, read from its bytes before any runtime sees it, and what no program may hold.

ONNX files are protocol buffers; of these only the few fields are read that decide. Numbers of fields and of types are
those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from frame_generation_pipeline.package.refusal import Refusal, shown

DOMAINS = (b"", b"ai.onnx")  # of the standard operators, by both their names
CONTROL_FLOW = (b"If", b"Loop", b"Scan", b"SequenceMap")
TYPES: dict[int, str] = {1: "float32", 2: "uint8", 7: "int64", 10: "float16"}  # that programs take and give

# Fields by the message that has them.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 20, 25
_OPSET_DOMAIN = 1
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_TYPE, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = 5, 10, (6, 11), (22, 23)
_TENSOR_EXTERNAL = (13, 14)  # external_data, data_location
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_ELEMENT, _TENSOR_SHAPE, _SHAPE_DIMENSION, _DIMENSION_VALUE = 1, 1, 2, 1, 1

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
    """Inputs and outputs of the ONNX file `data`.

    Raises Refusal for what is not ONNX, and for programs with control flow, with operators that are not ONNX's own, or
    with weights in other files.
    """
    inputs: dict[str, Value] = {}
    outputs: dict[str, Value] = {}
    graphs = 0
    if data[4:8] == b"ORTM":  # by which ONNX Runtime knows its own format; a file can be both
        raise Refusal("is no ONNX program")
    try:
        for field, content in _messages(data):
            if field == _MODEL_GRAPH:
                graphs += 1
                _read_graph(content, inputs, outputs)
            elif field == _MODEL_OPSET and (domain := _text(content, _OPSET_DOMAIN)) not in DOMAINS:
                raise Refusal(f"uses operators of {shown(domain.decode())}; expected ONNX's own alone")
            elif field in (_MODEL_FUNCTIONS, _MODEL_TRAINING):
                raise Refusal("defines functions or training steps; expected one plain graph")
    except (IndexError, ValueError) as error:
        raise Refusal("is no ONNX program") from error
    if graphs != 1:
        raise Refusal("is no ONNX program")
    return Signature(inputs, outputs)


def _read_graph(graph: bytes, inputs: dict[str, Value], outputs: dict[str, Value]) -> None:
    for field, content in _messages(graph):
        if field == _GRAPH_NODE:
            _check_node(content)
        elif field == _GRAPH_TENSOR:
            _check_tensor(content)
        elif field == _GRAPH_SPARSE:
            raise Refusal("has sparse weights; expected plain ones")
        elif field in (_GRAPH_INPUT, _GRAPH_OUTPUT):
            name, value = _value(content)
            values = inputs if field == _GRAPH_INPUT else outputs
            if name in values:
                raise Refusal(f"has {shown(name)} twice")
            values[name] = value


def _check_node(node: bytes) -> None:
    kind, domain = _text(node, _NODE_TYPE), _text(node, _NODE_DOMAIN)
    if domain not in DOMAINS:
        raise Refusal(f"uses operators of {shown(domain.decode())}; expected ONNX's own alone")
    if kind in CONTROL_FLOW:
        raise Refusal(f"has control flow ({kind.decode()}); expected one plain graph")
    for field, attribute in _messages(node):
        if field != _NODE_ATTRIBUTE:
            continue
        for part, content in _messages(attribute):
            if part in _ATTRIBUTE_GRAPHS or part in _ATTRIBUTE_SPARSE:
                raise Refusal(
                    f"has a graph or sparse weights inside of {shown(kind.decode())}; expected plain operators"
                )
            if part in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                _check_tensor(content)


def _check_tensor(tensor: bytes) -> None:
    if any(field in _TENSOR_EXTERNAL and content not in (0, b"") for field, content in _fields(tensor)):
        raise Refusal("has weights in another file; expected all inside of the program")


def _value(info: bytes) -> tuple[str, Value]:
    tensor = _part(_part(info, _VALUE_TYPE), _TYPE_TENSOR)
    element = [content for field, content in _fields(tensor) if field == _TENSOR_ELEMENT]
    lengths = []
    for field, dimension in _messages(_part(tensor, _TENSOR_SHAPE)):
        if field == _SHAPE_DIMENSION:
            stated = [content for part, content in _fields(dimension) if part == _DIMENSION_VALUE]
            lengths.append(stated[-1] if stated else None)
    name = _text(info, _VALUE_NAME).decode()
    dtype = TYPES.get(element[-1]) if element and isinstance(element[-1], int) else None
    if dtype is None:
        raise Refusal(f"takes or gives {shown(name)} of another type than {', '.join(TYPES.values())}")
    return name, Value(dtype, tuple(length if isinstance(length, int) else None for length in lengths))


def _text(message: bytes, number: int) -> bytes:
    """The last string or message that is field `number`, empty where there is none."""
    return next((content for field, content in reversed(list(_messages(message))) if field == number), b"")


_part = _text


def _messages(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields that hold strings or messages."""
    return ((field, content) for field, content in _fields(message) if isinstance(content, bytes))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and contents of a message's fields: variable-length integers as such, everything else as bytes.

    Raises IndexError or ValueError where the bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = _integer(message, at)
        if key >= 2**32:
            raise ValueError("field number")  # readers cut it to 32 bits, and would see another field
        field, kind = key >> 3, key & 7
        if kind == 0:
            content, at = _integer(message, at)
            yield field, content
            continue
        if kind == 2:
            length, at = _integer(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if field == 0 or at + length > len(message):
            raise ValueError("cut off")
        yield field, message[at : at + length]
        at += length


def _integer(message: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer of at most 64 bits in its shortest form, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 2**64 or (byte == 0 and shift):
                break
            return value, at
    raise ValueError("too long")
