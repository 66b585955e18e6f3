"""Programs and models that give another shape or type when they run than a generator's or an audio program's."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.spec import AVE, FACE_160, WINDOW, GeneratorSpec

Value = tuple[str, int, list[int | str]]  # name, type, shape
WINDOWS: Value = ("window", TensorProto.FLOAT, [WINDOW, AVE.feature_size])
CROP: Value = ("crop", TensorProto.UINT8, ["h", "w", 3])
PATCH: Value = ("patch", TensorProto.UINT8, ["h", "w", 3])
STATE: Value = ("state", TensorProto.FLOAT, [4])
FOUR = helper.make_node("Constant", [], ["state"], value=helper.make_tensor("v", TensorProto.FLOAT, [4], [0.0] * 4))
NON_ZERO = helper.make_node("NonZero", ["crop"], ["state"])  # of a length that nobody knows before it runs
COPY = helper.make_node("Identity", ["crop"], ["patch"])


def program(nodes: list[onnx.NodeProto], inputs: list[Value], outputs: list[Value]) -> bytes:
    ends = [[helper.make_tensor_value_info(*value) for value in values] for values in (inputs, outputs)]
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[0], ends[1]), opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def generator(face: onnx.NodeProto = FOUR, render: onnx.NodeProto = COPY, state: Value = STATE) -> ProgramGenerator:
    return ProgramGenerator(
        program([face], [CROP], [state]),
        program([render], [WINDOWS, CROP, state], [PATCH]),
        GeneratorSpec(FACE_160, AVE, 4),
        threads=1,
    )


CROPPED = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
SPOKEN = np.zeros((WINDOW, AVE.feature_size), np.float32)


def test_what_fits_is_taken() -> None:
    good = generator()
    assert np.array_equal(good.render(good.encode_face(CROPPED), SPOKEN, CROPPED), CROPPED)


def test_a_face_state_of_another_shape() -> None:
    counted = generator(NON_ZERO, state=("state", TensorProto.INT64, [3, 4]))
    with pytest.raises(ModelError, match=r"face program's state came out as int64 of shape \(3, 89\), expected"):
        counted.encode_face(CROPPED)


def test_face_states_that_cannot_be_kept() -> None:
    words = helper.make_tensor("v", TensorProto.STRING, [4], [b"a"] * 4)  # type: ignore[list-item]  # the stub knows numbers alone
    with pytest.raises(ModelError, match=r"the face program's 'state' is tensor\(string\) of shape"):
        generator(helper.make_node("Constant", [], ["state"], value=words), state=("state", TensorProto.STRING, [4]))
    with pytest.raises(ModelError, match=r"the face program's 'state' is tensor\(int64\) of shape \[3, 'n'\]"):
        generator(NON_ZERO, state=("state", TensorProto.INT64, [3, "n"]))


def test_a_patch_of_another_shape() -> None:
    turned = generator(render=helper.make_node("Transpose", ["crop"], ["patch"], perm=[1, 0, 2]))
    with pytest.raises(ModelError, match=r"patch came out as uint8 of shape \(6, 5, 3\), expected uint8 \(5, 6, 3\)"):
        turned.render(turned.encode_face(CROPPED), SPOKEN, CROPPED)


def test_a_program_that_fails() -> None:
    failing = generator()
    with pytest.raises(ModelError, match="failed while it ran"):
        failing.render(failing.encode_face(CROPPED), SPOKEN[1:], CROPPED)


def test_features_of_another_shape() -> None:
    nodes = [
        helper.make_node("Constant", [], ["to"], value=helper.make_tensor("t", TensorProto.INT64, [2], [-1, 256])),
        helper.make_node("Reshape", ["samples", "to"], ["features"]),
    ]
    counts: list[Value] = [("first", TensorProto.INT64, []), ("count", TensorProto.INT64, [])]
    model = program(
        nodes, [("samples", TensorProto.FLOAT, ["n"]), *counts], [("features", TensorProto.FLOAT, ["m", 256])]
    )
    with pytest.raises(ModelError, match=r"audio program gave float32 features of shape \(250, 256\), expected"):
        OnnxAudioProgram(model).features(np.zeros(64_000, np.float32), 0, 2)


def test_a_generator_of_another_shape() -> None:
    inputs: list[Value] = [
        ("image", TensorProto.FLOAT, ["n", 6, FACE_160.size, FACE_160.size]),
        ("audio", TensorProto.FLOAT, ["n", *AVE.window_shape]),
    ]
    output: Value = ("output", TensorProto.FLOAT, None)  # type: ignore[assignment]
    model = OnnxGenerator(program([helper.make_node("Identity", ["image"], ["output"])], inputs, [output]))
    state = model.encode_face(np.zeros((168, 168, 3), np.uint8))
    with pytest.raises(ModelError, match=r"model gave float32 \(1, 6, 160, 160\), expected float32 \(1, 3, 160, 160\)"):
        model.render(state, SPOKEN, np.zeros((168, 168, 3), np.uint8))
