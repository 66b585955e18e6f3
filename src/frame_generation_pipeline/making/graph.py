"""Write an ONNX graph node by node."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # belongs to this opset; ONNX Runtime reads it from 1.14 on

Shape = Sequence[int | str]


class Graph:
    """Collects nodes and constants in order; a value is referred to by the name of the output that gives it.

    The same calls give the same model to the byte: names are numbered, and nothing is random.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: npt.DTypeLike, shape: Shape) -> str:
        """Declare an input; a dimension that is a string is free."""
        self.inputs.append(_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: npt.DTypeLike, shape: Shape) -> None:
        """Declare `value` as the output `name`."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(_value_info(name, dtype, shape))

    def constant(self, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant; a name must stand for one value, so that repeated calls share it."""
        tensor = numpy_helper.from_array(np.array(values, dtype, order="C"), name)
        known = self.constants.setdefault(name, tensor)
        assert known is tensor or known.raw_data == tensor.raw_data, f"{name} stands for two values"
        return name

    def number(self, value: float, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant scalar."""
        return self.constant(f"{np.dtype(dtype).name}_{value}", value, dtype)

    def integers(self, *values: int) -> str:
        """Add a constant vector of int64, as operators take shapes, axes and bounds."""
        return self.constant("_".join(map(str, ("integers", *values))), values, np.int64)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output and return that output's name; an empty input name leaves an option out."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def cast(self, value: str, dtype: npt.DTypeLike) -> str:
        """Convert `value` to another element type."""
        return self.op("Cast", value, to=_element_type(dtype))

    def model(self, name: str) -> onnx.ModelProto:
        """Return the complete program, after ONNX's checker passed it."""
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.constants.values()))
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="frame-generation-pipeline",
        )
        onnx.checker.check_model(model)
        return model


def _element_type(dtype: npt.DTypeLike) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _value_info(name: str, dtype: npt.DTypeLike, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, _element_type(dtype), list(shape))
