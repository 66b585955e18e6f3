"""The end of a render program: from what the network painted to the crop that is written back."""

import numpy as np

from frame_generation_pipeline.face import blend
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.resize import resize
from frame_generation_pipeline.spec import FaceSpec


def written_back(graph: Graph, face: FaceSpec, output: str, resized: str, crop: str, feathered: str) -> str:
    """Network output (1, 3, size, size) in [0, 1] -> patch (h, w, 3) uint8, as `face.blend.write_back` makes it."""
    levels = graph.op("Mul", graph.op("Squeeze", output, graph.integers(0)), graph.number(255))
    matched = graph.op("Add", levels, _colour_shift(graph, face, resized, levels))
    matched = graph.op("Clip", graph.op("Round", matched), graph.number(0), graph.number(255))
    levels = graph.op("Where", feathered, matched, graph.op("Floor", levels))
    padded = graph.op("Pad", levels, graph.integers(*(0, face.margin, face.margin) * 2))
    rim = np.pad(np.zeros((face.size, face.size)), face.margin, constant_values=1)
    whole = graph.op("Add", padded, graph.op("Mul", resized, graph.constant("rim", rim)))
    side, size = graph.integers(face.crop_size), picture_size(graph, crop)
    painted = resize(graph, whole, (side, side), size, cubic=face.cubic)
    share = graph.op("Mul", *(_fade(graph, face, length, axis, feathered) for axis, length in enumerate(size)))
    own = graph.cast(graph.op("Transpose", crop, perm=[2, 0, 1]), np.float32)
    patch = graph.op("Add", own, graph.op("Mul", share, graph.op("Sub", painted, own)))
    return graph.op("Transpose", graph.cast(graph.op("Round", patch), np.uint8), perm=[1, 2, 0])


def _colour_shift(graph: Graph, face: FaceSpec, resized: str, levels: str) -> str:
    """`face.blend.colour_shift`, planar: (3, size, size)."""
    own, found = (_cells(graph, face, picture) for picture in (inner_region(graph, face, resized), levels))
    cells = graph.op("Sub", graph.op("Div", own, found), graph.number(1))
    cells = graph.op("MatMul", cells, graph.constant("continuation", blend.continuation(face.cells).T))
    cells = graph.op("Shrink", cells, bias=blend.UNSEEN, lambd=blend.UNSEEN)
    cells = graph.op("Reshape", cells, graph.integers(3, face.cells, face.cells))
    stretch = blend.stretching(face.size, face.cells)
    wide = graph.op("MatMul", cells, graph.constant("stretching_across", stretch.T))
    shares = graph.op("MatMul", graph.constant("stretching_down", stretch), wide)
    return graph.op("Mul", shares, graph.op("Add", levels, graph.number(blend.LIFT)))


def _cells(graph: Graph, face: FaceSpec, picture: str) -> str:
    """Each cell's mean of a planar picture (3, size, size), lifted: (3, cells^2)."""
    cell = [face.size // face.cells] * 2
    means = graph.op("AveragePool", graph.op("Unsqueeze", picture, graph.integers(0)), kernel_shape=cell, strides=cell)
    return graph.op("Reshape", graph.op("Add", means, graph.number(blend.LIFT)), graph.integers(3, -1))


def _fade(graph: Graph, face: FaceSpec, length: str, axis: int, feathered: str) -> str:
    """`face.blend.fade` along an axis of the planar crop, shaped to be multiplied with it; 1 if not `feathered`."""
    places = graph.op("Range", graph.number(0, np.int64), graph.op("Squeeze", length), graph.number(1, np.int64))
    scale = graph.op("Div", graph.number(face.crop_size, np.float64), graph.cast(length, np.float64))
    place = graph.op("Add", graph.cast(places, np.float32), graph.number(0.5))
    place = graph.op("Mul", place, graph.cast(scale, np.float32))
    depth = graph.op("Min", place, graph.op("Sub", graph.number(face.crop_size), place))
    way = graph.op("Sub", depth, graph.number(face.margin))
    way = graph.op("Div", way, graph.number(blend.FEATHER * face.size))
    way = graph.op("Clip", way, graph.number(0), graph.number(1))
    rest = graph.op("Sub", graph.number(3), graph.op("Mul", graph.number(2), way))
    share = graph.op("Mul", graph.op("Mul", way, way), rest)
    share = graph.op("Where", feathered, share, graph.number(1))
    return graph.op("Reshape", share, graph.integers(*((-1, 1), (1, -1))[axis]))


def inner_region(graph: Graph, face: FaceSpec, resized: str) -> str:
    """The network's region (3, size, size) of the resized crop."""
    begin, end = face.margin, face.margin + face.size
    return graph.op("Slice", resized, graph.integers(begin, begin), graph.integers(end, end), graph.integers(1, 2))


def picture_size(graph: Graph, crop: str) -> tuple[str, str]:
    """Height and width of a picture (h, w, 3), each an int64 vector of one element."""
    return graph.op("Shape", crop, start=0, end=1), graph.op("Shape", crop, start=1, end=2)
