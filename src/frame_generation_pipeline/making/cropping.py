"""The first part of a face program: from a crop to the network's input, as in `face.crop`."""

import numpy as np

from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.resize import resize
from frame_generation_pipeline.spec import FaceSpec


def resize_crop(graph: Graph, face: FaceSpec, crop: str) -> str:
    """`face.crop.resize_crop`, planar: crop (h, w, 3) uint8 -> (3, crop_size, crop_size) float32, whole levels."""
    # No Transpose: ONNX Runtime would merge it with the one in `resize` into one that takes ten times as long.
    levels = graph.cast(crop, np.float32)
    colours = [graph.op("Gather", levels, graph.number(colour, np.int64), axis=2) for colour in range(3)]
    planar = graph.op("Concat", *(graph.op("Unsqueeze", colour, graph.integers(0)) for colour in colours), axis=0)
    side = graph.integers(face.crop_size)
    return resize(graph, planar, image_size(graph, crop), (side, side), cubic=face.cubic)


def network_input(graph: Graph, face: FaceSpec, resized: str) -> str:
    """`face.crop.network_input`: the region unchanged and masked, (1, 6, size, size) in [0, 1]."""
    inner = graph.op("Unsqueeze", inner_region(graph, face, resized), graph.integers(0))
    inner = graph.op("Mul", inner, graph.number(1 / 255))
    x, y, width, height = face.mask
    rows, columns = np.zeros((face.size, 1)), np.zeros(face.size)
    rows[y : y + height], columns[x : x + width] = 1, 1
    hidden = graph.op("Mul", graph.constant("hidden_rows", rows), graph.constant("hidden_columns", columns))
    masked = graph.op("Mul", inner, graph.op("Sub", graph.number(1), hidden))
    return graph.op("Concat", inner, masked, axis=1)


def inner_region(graph: Graph, face: FaceSpec, resized: str) -> str:
    """The network's region (3, size, size) of the resized crop."""
    begin, end = face.margin, face.margin + face.size
    return graph.op("Slice", resized, graph.integers(begin, begin), graph.integers(end, end), graph.integers(1, 2))


def image_size(graph: Graph, crop: str) -> tuple[str, str]:
    """Height and width of an image (h, w, 3), each an int64 vector of one element."""
    return graph.op("Shape", crop, start=0, end=1), graph.op("Shape", crop, start=1, end=2)
