"""Programs whose bytes different readers would take for different programs."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf import descriptor_pb2
from onnx import helper

from frame_generation_pipeline.package.program_reader import read_signature
from frame_generation_pipeline.package.refusal import Refusal
from frame_generation_pipeline.runtime.onnx_schema import parse_model
from hostile_bytes import tagged, varint
from package.models import model


def hidden_node(beyond: int) -> bytes:
    """A program with an operator of somebody else in its graph, in a field whose tag has bits above 32."""
    changed_model = model()
    node = helper.make_node("Evil", ["x"], ["y"], domain="com.evil").SerializeToString()
    graph = changed_model.graph.SerializeToString() + tagged(1, node, beyond=beyond)
    changed_model.ClearField("graph")
    return bytes(changed_model.SerializeToString()) + tagged(7, graph)


def type_in_two_parts() -> bytes:
    """An output whose type is stated twice, which protobuf merges: a reader of the last one sees another shape."""
    changed_model = model()
    output = changed_model.graph.output[0].SerializeToString()
    more = onnx.TypeProto()
    more.tensor_type.shape.dim.add(dim_value=2**20)
    graph = changed_model.graph
    graph.ClearField("output")
    whole = graph.SerializeToString() + tagged(12, output + tagged(2, more.SerializeToString()))
    changed_model.ClearField("graph")
    return bytes(changed_model.SerializeToString()) + tagged(7, whole)


AMBIGUOUS: dict[str, Callable[[], bytes]] = {
    "operator behind bits above 32": lambda: hidden_node(1),
    "operator behind bits above 35": lambda: hidden_node(1 << 3),
    "graph behind bits above 32": lambda: model().SerializeToString() + tagged(7, b"", beyond=1),
    "two graphs, which are merged": lambda: model().SerializeToString() * 2,
    "version twice": lambda: b"\x08\x07" + model().SerializeToString(),
    "type in two parts": type_in_two_parts,
    "unknown field": lambda: model().SerializeToString() + tagged(99, b"x"),
    "unknown field of a tensor": lambda: with_unknown_field_in_a_tensor(),
    "group": lambda: model().SerializeToString() + varint(99 << 3 | 3) + varint(99 << 3 | 4),
    "integer in a longer form": lambda: b"\x08\x87\x00" + model().SerializeToString()[2:],
    "another order": lambda: model(producer_name="").SerializeToString()[2:] + b"\x08\x07",
}


def with_unknown_field_in_a_tensor() -> bytes:
    changed_model = model()
    changed_model.graph.initializer[0].MergeFromString(tagged(77, b"x"))
    return bytes(changed_model.SerializeToString())


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_bytes_that_readers_take_for_different_programs(kind: str) -> None:
    with pytest.raises(Refusal, match="no ONNX program"):
        read_signature(AMBIGUOUS[kind]())


def test_plain_bytes_are_what_protobuf_writes() -> None:
    """Without the bits above 32 the hidden operator is seen for what it is; and varint() writes as protobuf does."""
    with pytest.raises(Refusal, match=r"operators of 'com\.evil'|no ONNX program"):
        read_signature(hidden_node(0))
    changed_model = model()
    assert onnx.ModelProto.FromString(tagged(7, changed_model.graph.SerializeToString())).graph == changed_model.graph


def test_negative_length() -> None:
    changed_model = model()
    changed_model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -1
    with pytest.raises(Refusal, match="negative length"):
        read_signature(changed_model.SerializeToString())


def stated(message: Any) -> list[descriptor_pb2.FieldDescriptorProto]:
    proto = descriptor_pb2.DescriptorProto()
    message.CopyToProto(proto)
    return list(proto.field)


def test_the_schema_is_that_of_onnx() -> None:
    """Every field has the number, the form and the type that onnx.proto gives it; what is refused whole is bytes."""
    ours = parse_model(model().SerializeToString()).DESCRIPTOR
    compared: set[str] = set()

    def compare(own: Any, real: Any) -> None:
        if own.name in compared:
            return
        compared.add(own.name)
        known = {field.name: field for field in stated(real)}
        for field in stated(own):
            expected = known[field.name]
            assert (field.number, field.label) == (expected.number, expected.label)
            assert field.options.packed == expected.options.packed
            kinds = field.type, expected.type
            if kinds == (field.TYPE_MESSAGE, field.TYPE_MESSAGE):
                compare(own.fields_by_name[field.name].message_type, real.fields_by_name[field.name].message_type)
            elif field.type != expected.type:
                assert kinds in ((field.TYPE_INT32, field.TYPE_ENUM), (field.TYPE_BYTES, field.TYPE_MESSAGE))

    compare(ours, onnx.ModelProto.DESCRIPTOR)
    assert {"ModelProto", "GraphProto", "NodeProto", "TensorProto", "ValueInfoProto", "Dimension"} <= compared


def test_any_damage_ends_in_a_refusal(light: Path) -> None:
    data, draw = (light / "programs/face.onnx").read_bytes(), np.random.default_rng(2)
    for place in draw.integers(0, len(data), 20):
        damaged = data[:place] + bytes([int(draw.integers(256))]) + data[place + 1 :]
        for piece in (damaged, damaged[:place]):
            with suppress(Refusal):
                read_signature(piece)
