"""Small ONNX models for the tests of what reads programs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

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
