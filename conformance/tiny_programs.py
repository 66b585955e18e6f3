"""The smallest programs that go together, for packages that hosts must refuse."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node, make_tensor_value_info

FEATURES = 512  # values in a feature of the type `ave`


def tensor(name: str, values: Any, kind: type = np.float32) -> onnx.TensorProto:
    """Values as ONNX has them."""
    return numpy_helper.from_array(np.array(values, kind), name)


WEIGHT = tensor("weight", [1.0])
PLAIN = make_node("Identity", ["weight"], ["state"])


def face_program(
    *nodes: onnx.NodeProto, domains: tuple[str, ...] = ("",), weights: tuple[onnx.TensorProto, ...] = (WEIGHT,)
) -> onnx.ModelProto:
    """A face program whose state is a number, the weight."""
    crop = make_tensor_value_info("crop", TensorProto.UINT8, ["h", "w", 3])
    state = make_tensor_value_info("state", TensorProto.FLOAT, [1])
    graph = helper.make_graph(nodes or (PLAIN,), "face", [crop], [state], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 17) for domain in domains], ir_version=8)


def render_program(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = (), features: int = 2048) -> bytes:
    """A render program that goes with `face_program`."""
    inputs = [
        make_tensor_value_info("window", TensorProto.FLOAT, [16, features]),
        make_tensor_value_info("crop", TensorProto.UINT8, ["h", "w", 3]),
        make_tensor_value_info("blend", TensorProto.UINT8, []),
        make_tensor_value_info("state", TensorProto.FLOAT, [1]),
    ]
    patch = make_tensor_value_info("patch", TensorProto.UINT8, ["a", "b", 3])
    graph = helper.make_graph(nodes, "render", inputs, [patch], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def audio_program(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...]) -> bytes:
    """An audio program for features of the type `ave`."""
    inputs = [
        make_tensor_value_info("samples", TensorProto.FLOAT, ["l"]),
        make_tensor_value_info("first", TensorProto.INT64, []),
        make_tensor_value_info("count", TensorProto.INT64, []),
    ]
    features = make_tensor_value_info("features", TensorProto.FLOAT, ["m", FEATURES])
    graph = helper.make_graph(nodes, "audio", inputs, [features], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
