"""ONNX files given by their path are checked, and the runtime gets what was checked."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.runtime.onnx_checks import problem_of
from frame_generation_pipeline.runtime.onnx_schema import parse_model
from frame_generation_pipeline.runtime.onnx_session import open_session


def added(weight: onnx.TensorProto, *, constant: bool = False) -> onnx.ModelProto:
    """A model x (3,) -> y (3,), which adds `weight`, an initializer or a constant, cast to float32."""
    nodes = [helper.make_node("Cast", ["w"], ["c"], to=TensorProto.FLOAT), helper.make_node("Add", ["x", "c"], ["y"])]
    if constant:
        nodes.insert(0, helper.make_node("Constant", [], ["w"], value=weight))
    ends = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "g", [next(ends)], [next(ends)], [] if constant else [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "x.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(value: float, kind: type, constant: bool, tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.array([1, value, 2], kind), "w")
    with pytest.raises(ModelError, match=r"x\.onnx: has weights 'w' with values that are not finite") as caught:
        open_session(saved(added(weight, constant=constant), tmp_path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16])
def test_weights_that_are_written_as_numbers(kind: int, tmp_path: Path) -> None:
    for value, good in ((3e4, True), (float("inf"), False), (float("nan"), False)):
        model = added(helper.make_tensor("w", kind, [3], [1, value, -2]))
        data = model.SerializeToString()
        assert (problem_of(parse_model(data), data) is None) == good


def test_attributes_that_are_no_numbers() -> None:
    model = added(numpy_helper.from_array(np.ones(3, np.float32), "w"))
    model.graph.node.append(helper.make_node("LeakyRelu", ["y"], ["z"], alpha=float("nan")))
    data = model.SerializeToString()
    assert problem_of(parse_model(data), data) == "has 'alpha' of 'LeakyRelu' that is no finite number"


def test_weights_in_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which lies where ONNX Runtime would look for it."""
    monkeypatch.chdir(tmp_path)
    Path("secret").write_bytes(bytes(12))
    weight = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="secret")
    path = saved(added(weight), tmp_path)
    with pytest.raises(ModelError, match=r"x\.onnx: has weights in another file"):
        open_session(path)


def test_the_runtime_gets_what_was_checked(tmp_path: Path) -> None:
    """Of bytes that are not as protobuf writes them, unknown fields are left out and what comes twice is merged."""
    model = added(numpy_helper.from_array(np.ones(3, np.float32), "w"))
    path = saved(model, tmp_path)
    path.write_bytes(b"\x08\x07" + path.read_bytes() + b"\x9a\x06\x01x")  # a version before, and a field 99
    (y,) = open_session(path).run(None, {"x": np.zeros(3, np.float32)})
    assert y.tolist() == [1, 1, 1]
    for bad in (b"\x80\x80\x80\x80\x10\x01", b"\x0b", b"\x3a\xff\xff\xff\x7f"):  # a tag of 35 bits, a group, a length
        path.write_bytes(model.SerializeToString() + bad)
        with pytest.raises(ModelError, match=r"x\.onnx: is no ONNX model \(not a protobuf message\)"):
            open_session(path)


def test_what_no_file_may_hold(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    model = added(weight)
    branch = helper.make_graph([], "b", [], [model.graph.output[0]])
    model.graph.node.append(helper.make_node("Loop", ["", "", "x"], ["z"], body=branch))
    with pytest.raises(ModelError, match=r"x\.onnx: has control flow \(Loop\)"):
        open_session(saved(model, tmp_path))
    path = saved(added(weight), tmp_path)
    model = added(weight)
    model.producer_name = "ORTM"
    with pytest.raises(ModelError, match="ONNX Runtime's own format"):
        open_session(saved(model, tmp_path))
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="no ONNX model"):
        open_session(path)
