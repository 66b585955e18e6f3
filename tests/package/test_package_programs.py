"""What no program of a package may hold, and that programs take and give what they should."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from frame_generation_pipeline.errors import OptionError, PackageError
from frame_generation_pipeline.package import programs
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.program_reader import Value, read_signature
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.package.refusal import Refusal
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.runtime.settings import Runtime
from package.models import NUMBER, ONES, branch, model

Replace = Callable[[str, bytes], None]
FACE, RENDER = "programs/face.onnx", "programs/render.onnx"


def external(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """`tensor` with its values in another file."""
    moved = onnx.TensorProto()
    moved.CopyFrom(tensor)
    moved.ClearField("raw_data")
    moved.data_location = TensorProto.EXTERNAL
    moved.external_data.add(key="location", value="/etc/passwd")
    return moved


def with_external_weight() -> onnx.ModelProto:
    changed_model = model()
    changed_model.graph.initializer[0].CopyFrom(external(ONES))
    return changed_model


def with_external_constant() -> onnx.ModelProto:
    return model(helper.make_node("Constant", [], ["y"], value=external(ONES)))


def with_sparse_weight() -> onnx.ModelProto:
    changed_model = model()
    changed_model.graph.sparse_initializer.add().dims.append(3)
    return changed_model


def with_function() -> onnx.ModelProto:
    body = [helper.make_node("Identity", ["a"], ["b"])]
    imports = [helper.make_opsetid("", 17)]
    return model(functions=[helper.make_function("local", "F", ["a"], ["b"], body, imports)])


def of_type(element: int) -> onnx.ModelProto:
    changed_model = model()
    changed_model.graph.input[0].type.tensor_type.elem_type = element
    return changed_model


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


def refused(path: Path, message: str) -> None:
    with pytest.raises(PackageError, match=message) as caught:
        verify_package(path)
    assert str(caught.value).isprintable()


def changed(path: Path, name: str, change: Callable[[onnx.ModelProto], object]) -> bytes:
    program = onnx.load_model_from_string((path / name).read_bytes())
    change(program)
    return bytes(program.SerializeToString())


def shape(program: onnx.ModelProto) -> onnx.TensorShapeProto:
    stated: onnx.TensorShapeProto = program.graph.output[1].type.tensor_type.shape
    return stated


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

    def unknown(program: onnx.ModelProto) -> None:
        program.graph.node[0].op_type = "Telepathy"

    def image(*nodes: onnx.NodeProto) -> Callable[[onnx.ModelProto], None]:
        def change(program: onnx.ModelProto) -> None:
            del program.graph.node[:]
            program.graph.node.extend(nodes)

        return change

    render = (light / RENDER).read_bytes()
    replace(RENDER, changed(light, RENDER, unknown))
    refused(light, "do not load")
    (light / RENDER).write_bytes(render)
    replace(RENDER, changed(light, RENDER, image(helper.make_node("Gather", ["crop", "missing"], ["patch"]))))
    refused(light, "do not load")
    (light / RENDER).write_bytes(render)
    twice = helper.make_node("Concat", ["crop", "crop"], ["patch"], axis=0)
    replace(RENDER, changed(light, RENDER, image(twice)))
    refused(light, r"patch came out as uint8 of shape \(96, 48, 3\), expected uint8 \(48, 48, 3\)")
    (light / RENDER).write_bytes(render)

    def shrink(program: onnx.ModelProto) -> None:
        shape = numpy_helper.from_array(np.array([7, 7, 3]), "shape")
        program.graph.initializer.append(shape)
        image(helper.make_node("Reshape", ["crop", "shape"], ["patch"]))(program)

    replace(RENDER, changed(light, RENDER, shrink))
    refused(light, "do not run")


def test_provider_that_is_not_there(light: Path) -> None:
    with pytest.raises(OptionError, match="NoSuchProvider"):
        load_programs(open_package(light), Runtime(providers=("NoSuchProvider",)))


def test_face_state_limit(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_STATE", 1000)
    refused(light, "more than 1000 bytes")
