"""Halve the size of a program: store the weights of convolutions as float16, and compute in float32."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

SMALLEST = 1024  # values; below this a weight is not worth a node


def halve(program: bytes) -> bytes:
    """Convert the convolution weights of the ONNX file `program` to float16, each with a cast to float32 after it.

    A runtime folds the casts when it loads the program, which is then as fast as before. Weights with fewer than 1024
    values, or with values beyond float16, are not converted. The same program gives the same bytes.
    """
    model = onnx.load_model_from_string(program)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) != 4 or np.prod(tensor.dims) < SMALLEST:
            continue
        with np.errstate(over="ignore"):
            values = numpy_helper.to_array(tensor).astype(np.float16)
        if np.isfinite(values).all():
            name, half = tensor.name, f"{tensor.name}.half"
            tensor.CopyFrom(numpy_helper.from_array(values, half))
            casts.append(helper.make_node("Cast", [half], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    halved: bytes = model.SerializeToString(deterministic=True)
    return halved
