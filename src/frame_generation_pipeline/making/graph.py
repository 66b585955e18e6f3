"""Writing an ONNX graph node by node: the few lines that every program needs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # goes with this opset; read by every ONNX Runtime from 1.14 on

Shape = Sequence[int | str]


class Graph:
    """Nodes and constants in the order of their writing; a value is known by the name of the output that gives it.

    The same calls give the same model to the byte: names are counted, nothing is random.
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
        """A constant of the program; one name stands for one value, so that repeated calls share it."""
        tensor = numpy_helper.from_array(np.array(values, dtype, order="C"), name)
        known = self.constants.setdefault(name, tensor)
        assert known is tensor or known.raw_data == tensor.raw_data, f"{name} stands for two values"
        return name

    def number(self, value: float, dtype: npt.DTypeLike = np.float32) -> str:
        """A constant scalar."""
        return self.constant(f"{np.dtype(dtype).name}_{value}", value, dtype)

    def integers(self, *values: int) -> str:
        """A constant vector of int64, as shapes, axes and bounds are given to operators."""
        return self.constant("_".join(map(str, ("integers", *values))), values, np.int64)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output and return that output's name; an empty input name leaves an option out."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def cast(self, value: str, dtype: npt.DTypeLike) -> str:
        """`value` with another type of element."""
        return self.op("Cast", value, to=_element_type(dtype))

    def model(self, name: str) -> onnx.ModelProto:
        """The finished program, checked."""
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
