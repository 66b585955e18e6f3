"""What no program of a package may hold, and that programs take and give what they should."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf import descriptor_pb2
from onnx import TensorProto, helper, numpy_helper

from frame_generation_pipeline.errors import OptionError, PackageError
from frame_generation_pipeline.package import programs
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.program_reader import Value, read_signature
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.package.refusal import Refusal
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.runtime.onnx_schema import parse_model

Replace = Callable[[str, bytes], None]
FACE, RENDER = "programs/face.onnx", "programs/render.onnx"
ONES = numpy_helper.from_array(np.ones((3,), np.float32), "ones")
NUMBER = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])


def model(*nodes: onnx.NodeProto, **changes: object) -> onnx.ModelProto:
    """A program x (n, 3) float32 -> y (n, 3) float32, which adds ones."""
    graph = helper.make_graph(
        nodes or [helper.make_node("Add", ["x", "ones"], ["y"])],
        "g",
        [NUMBER],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [ONES],
    )
    return helper.make_model(graph, **changes)


def branch() -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("Identity", ["ones"], ["z"])], "b", [], [NUMBER])


def external(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """`tensor` with its values in another file."""
    moved = onnx.TensorProto()
    moved.CopyFrom(tensor)
    moved.ClearField("raw_data")
    moved.data_location = TensorProto.EXTERNAL
    moved.external_data.add(key="location", value="/etc/passwd")
    return moved


def with_external_weight() -> onnx.ModelProto:
    found = model()
    found.graph.initializer[0].CopyFrom(external(ONES))
    return found


def with_external_constant() -> onnx.ModelProto:
    return model(helper.make_node("Constant", [], ["y"], value=external(ONES)))


def with_sparse_weight() -> onnx.ModelProto:
    found = model()
    found.graph.sparse_initializer.add().dims.append(3)
    return found


def with_function() -> onnx.ModelProto:
    body = [helper.make_node("Identity", ["a"], ["b"])]
    imports = [helper.make_opsetid("", 17)]
    return model(functions=[helper.make_function("local", "F", ["a"], ["b"], body, imports)])


def of_type(element: int) -> onnx.ModelProto:
    found = model()
    found.graph.input[0].type.tensor_type.elem_type = element
    return found


HOSTILE: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "weight in another file": (with_external_weight, "weights in another file"),
    "constant in another file": (with_external_constant, "weights in another file"),
    "if": (
        lambda: model(helper.make_node("If", ["x"], ["y"], then_branch=branch(), else_branch=branch())),
        "control flow",
    ),
    "loop": (lambda: model(helper.make_node("Loop", ["x"], ["y"], body=branch())), "control flow"),
    "scan": (lambda: model(helper.make_node("Scan", ["x"], ["y"], body=branch())), "control flow"),
    "graph in another operator": (lambda: model(helper.make_node("Relu", ["x"], ["y"], body=branch())), "a graph or"),
    "sparse weight": (with_sparse_weight, "sparse weights"),
    "operator of another domain": (
        lambda: model(helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")),
        "operators of 'com.microsoft'",
    ),
    "opset of another domain": (
        lambda: model(opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("custom", 1)]),
        "operators of 'custom'",
    ),
    "function": (with_function, "defines functions"),
    "text as input": (lambda: of_type(TensorProto.STRING), "of another type"),
    "no type": (lambda: of_type(0), "of another type"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_refused_programs(kind: str) -> None:
    make, message = HOSTILE[kind]
    with pytest.raises(Refusal, match=message):
        read_signature(make().SerializeToString())


def test_signature() -> None:
    data = model(opset_imports=[helper.make_opsetid("ai.onnx", 17)]).SerializeToString()
    signature = read_signature(data)
    assert signature.inputs == {"x": Value("float32", (None, 3))}
    assert signature.outputs == {"y": Value("float32", (None, 3))}
    twice = model()
    twice.graph.input.append(NUMBER)
    with pytest.raises(Refusal, match="'x' twice"):
        read_signature(twice.SerializeToString())


@pytest.mark.parametrize(
    "data",
    [b"", b"no program", b"\0" * 100, b"\xff" * 100, b"\x3a\xff\xff\xff\x7f", b"\x3a\x80" + b"\x80" * 20, b"\x0b"],
)
def test_no_onnx(data: bytes) -> None:
    with pytest.raises(Refusal, match="no ONNX program"):
        read_signature(data)


def test_format_of_the_runtime() -> None:
    """A file that is ONNX by its fields, and ONNX Runtime's own format by its fifth byte."""
    assert read_signature(model(producer_name="ORT_").SerializeToString())
    with pytest.raises(Refusal, match="no ONNX program"):
        read_signature(model(producer_name="ORTM").SerializeToString())


def varint(value: int) -> bytes:
    """A variable-length integer in its shortest form."""
    data = b""
    while value > 0x7F:
        data, value = data + bytes([value & 0x7F | 0x80]), value >> 7
    return data + bytes([value])


def tagged(number: int, content: bytes, *, beyond: int = 0) -> bytes:
    """A field with text or a message; beyond: what its tag has above its 32 bits."""
    return varint(number << 3 | 2 | beyond << 32) + varint(len(content)) + content


def hidden_node(beyond: int) -> bytes:
    """A program with an operator of somebody else in its graph, in a field whose tag has bits above 32."""
    found = model()
    node = helper.make_node("Evil", ["x"], ["y"], domain="com.evil").SerializeToString()
    graph = found.graph.SerializeToString() + tagged(1, node, beyond=beyond)
    found.ClearField("graph")
    return bytes(found.SerializeToString()) + tagged(7, graph)


def type_in_two_parts() -> bytes:
    """An output whose type is stated twice, which protobuf merges: a reader of the last one sees another shape."""
    found = model()
    output = found.graph.output[0].SerializeToString()
    more = onnx.TypeProto()
    more.tensor_type.shape.dim.add(dim_value=2**20)
    graph = found.graph
    graph.ClearField("output")
    whole = graph.SerializeToString() + tagged(12, output + tagged(2, more.SerializeToString()))
    found.ClearField("graph")
    return bytes(found.SerializeToString()) + tagged(7, whole)


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
    found = model()
    found.graph.initializer[0].MergeFromString(tagged(77, b"x"))
    return bytes(found.SerializeToString())


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_bytes_that_readers_take_for_different_programs(kind: str) -> None:
    with pytest.raises(Refusal, match="no ONNX program"):
        read_signature(AMBIGUOUS[kind]())


def test_plain_bytes_are_what_protobuf_writes() -> None:
    """Without the bits above 32 the hidden operator is seen for what it is; and varint() writes as protobuf does."""
    with pytest.raises(Refusal, match=r"operators of 'com\.evil'|no ONNX program"):
        read_signature(hidden_node(0))
    found = model()
    assert onnx.ModelProto.FromString(tagged(7, found.graph.SerializeToString())).graph == found.graph


def test_negative_length() -> None:
    found = model()
    found.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -1
    with pytest.raises(Refusal, match="negative length"):
        read_signature(found.SerializeToString())


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
    data, draw = (light / FACE).read_bytes(), np.random.default_rng(2)
    for place in draw.integers(0, len(data), 20):
        damaged = data[:place] + bytes([int(draw.integers(256))]) + data[place + 1 :]
        for piece in (damaged, damaged[:place]):
            with suppress(Refusal):
                read_signature(piece)


def refused(path: Path, message: str) -> None:
    with pytest.raises(PackageError, match=message) as caught:
        verify_package(path)
    assert str(caught.value).isprintable()


def changed(path: Path, name: str, change: Callable[[onnx.ModelProto], object]) -> bytes:
    found = onnx.load_model_from_string((path / name).read_bytes())
    change(found)
    return bytes(found.SerializeToString())


def shape(found: onnx.ModelProto) -> onnx.TensorShapeProto:
    return found.graph.output[1].type.tensor_type.shape


def test_programs_that_do_not_fit(light: Path, replace: Replace) -> None:
    face, render = (light / FACE).read_bytes(), (light / RENDER).read_bytes()
    cases: list[tuple[str, bytes, str]] = [
        (FACE, b"no program", "programs/face.onnx is no ONNX program"),
        (FACE, render, "shapes are not fixed"),
        (RENDER, face, "has 'blend' as nothing; expected uint8"),
        (RENDER, model().SerializeToString(), "programs/render.onnx has"),
        (RENDER, changed(light, RENDER, lambda m: setattr(m.graph.input[0], "name", "audio")), "has 'audio' as"),
        (
            RENDER,
            changed(light, RENDER, lambda m: setattr(m.graph.output[0].type.tensor_type, "elem_type", 1)),
            r"has 'patch' as float32 \(None, None, 3\); expected uint8",
        ),
        (
            FACE,
            changed(light, FACE, lambda m: shape(m).dim[0].ClearField("dim_value")),
            "shapes are not fixed",
        ),
        (
            FACE,
            changed(
                light, FACE, lambda m: setattr(m.graph.output[1].type.tensor_type.shape.dim[1], "dim_value", 2**40)
            ),
            "face state of more than",
        ),
        (FACE, changed(light, FACE, lambda m: setattr(m.graph.output[0], "name", "crop")), "names of other inputs"),
    ]
    for name, data, message in cases:
        original = (light / name).read_bytes()
        replace(name, data)
        refused(light, message)
        replace(name, original)
    verify_package(light)


def test_programs_that_do_not_run(light: Path, replace: Replace) -> None:
    """Their inputs and outputs are right, but they fail when they are loaded or run, or give something else."""

    def unknown(found: onnx.ModelProto) -> None:
        found.graph.node[0].op_type = "Telepathy"

    def picture(*nodes: onnx.NodeProto) -> Callable[[onnx.ModelProto], None]:
        def change(found: onnx.ModelProto) -> None:
            del found.graph.node[:]
            found.graph.node.extend(nodes)

        return change

    render = (light / RENDER).read_bytes()
    replace(RENDER, changed(light, RENDER, unknown))
    refused(light, "do not load")
    (light / RENDER).write_bytes(render)
    replace(RENDER, changed(light, RENDER, picture(helper.make_node("Gather", ["crop", "missing"], ["patch"]))))
    refused(light, "do not load")
    (light / RENDER).write_bytes(render)
    twice = helper.make_node("Concat", ["crop", "crop"], ["patch"], axis=0)
    replace(RENDER, changed(light, RENDER, picture(twice)))
    refused(light, r"patch came out as uint8 of shape \(96, 48, 3\), expected uint8 \(48, 48, 3\)")
    (light / RENDER).write_bytes(render)

    def shrink(found: onnx.ModelProto) -> None:
        shape = numpy_helper.from_array(np.array([7, 7, 3]), "shape")
        found.graph.initializer.append(shape)
        picture(helper.make_node("Reshape", ["crop", "shape"], ["patch"]))(found)

    replace(RENDER, changed(light, RENDER, shrink))
    refused(light, "do not run")


def test_provider_that_is_not_there(light: Path) -> None:
    with pytest.raises(OptionError, match="NoSuchProvider"):
        load_programs(open_package(light), providers=["NoSuchProvider"])


def test_face_state_limit(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_STATE", 1000)
    refused(light, "more than 1000 bytes")
