"""The last part of a render program: from the network's output to the patch, as in `face.blend`."""

import numpy as np

from frame_generation_pipeline.face import blend
from frame_generation_pipeline.making.cropping import image_size, inner_region
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.resize import resize
from frame_generation_pipeline.spec import FaceSpec


def written_back(graph: Graph, face: FaceSpec, output: str, resized: str, crop: str, feathered: str) -> str:
    """Network output (1, 3, size, size) in [0, 1] -> patch (h, w, 3) uint8, as in `face.blend.write_back`."""
    levels = graph.op("Mul", graph.op("Squeeze", output, graph.integers(0)), graph.number(255))
    matched = graph.op("Add", levels, _colour_shift(graph, face, resized, levels))
    matched = graph.op("Clip", graph.op("Round", matched), graph.number(0), graph.number(255))
    levels = graph.op("Where", feathered, matched, graph.op("Floor", levels))
    whole = _surrounded(graph, face, levels, resized)
    side, size = graph.integers(face.crop_size), image_size(graph, crop)
    scaled = resize(graph, whole, (side, side), size, cubic=face.cubic)
    share = graph.op("Mul", *(_fade(graph, face, length, axis, feathered) for axis, length in enumerate(size)))
    own = graph.cast(graph.op("Transpose", crop, perm=[2, 0, 1]), np.float32)
    patch = graph.op("Add", own, graph.op("Mul", share, graph.op("Sub", scaled, own)))
    return graph.op("Transpose", graph.cast(graph.op("Round", patch), np.uint8), perm=[1, 2, 0])


def kept(graph: Graph, keep: str, crop: str, patch: str) -> str:
    """The patch with the crop's own pixels where `keep` (h, w) uint8 is not zero."""
    chosen = graph.op("Unsqueeze", graph.cast(keep, np.bool_), graph.integers(2))
    return graph.op("Where", chosen, crop, patch)


def _surrounded(graph: Graph, face: FaceSpec, levels: str, resized: str) -> str:
    """The resized crop (3, crop_size, crop_size) with the painted face (3, size, size) in its middle."""
    begin, end, side = face.margin, face.margin + face.size, face.crop_size

    def rim(top: int, bottom: int, left: int, right: int) -> str:
        corners = graph.integers(top, left), graph.integers(bottom, right)
        return graph.op("Slice", resized, *corners, graph.integers(1, 2))

    middle = graph.op("Concat", rim(begin, end, 0, begin), levels, rim(begin, end, end, side), axis=2)
    return graph.op("Concat", rim(0, begin, 0, side), middle, rim(end, side, 0, side), axis=1)


def _colour_shift(graph: Graph, face: FaceSpec, resized: str, levels: str) -> str:
    """`face.blend.colour_shift`, planar: (3, size, size)."""
    own_cells, painted_cells = (_cells(graph, face, image) for image in (inner_region(graph, face, resized), levels))
    cells = graph.op("Sub", graph.op("Div", own_cells, painted_cells), graph.number(1))
    cells = _continued(graph, face.cells, cells)
    cells = graph.op("Shrink", cells, bias=blend.UNSEEN, lambd=blend.UNSEEN)
    stretch = _stretching(graph, face)
    wide = graph.op("MatMul", cells, graph.op("Transpose", stretch, perm=[1, 0]))
    shares = graph.op("MatMul", stretch, wide)
    return graph.op("Mul", shares, graph.op("Add", levels, graph.number(blend.LIFT)))


def _continued(graph: Graph, cells: int, differences: str) -> str:
    """`face.blend.continuation` of (3, cells^2): (3, cells, cells).

    A convolution along the ring smooths the outermost cells. Every other cell is the mean of its neighbours; the sine
    transform solves these equations (Hockney's method for Poisson's equation on a rectangle).
    """
    ring = blend.ring(cells) @ (cells, 1)
    reach = int(8 * blend.SPREAD)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / blend.SPREAD) ** 2)
    around = graph.op("Gather", differences, graph.integers(*np.pad(ring, reach, mode="wrap")), axis=1)
    around = graph.op("Unsqueeze", around, graph.integers(1))
    smooth = graph.op("Conv", around, graph.constant("ring_kernel", (kernel / kernel.sum())[np.newaxis, np.newaxis]))

    places = np.full(cells * cells, len(ring))  # index into the ring for each cell; other cells get the zero after it
    places[ring] = np.arange(len(ring))
    smooth = graph.op("Pad", smooth, graph.integers(0, 0, 0, 0, 0, 1))
    where = graph.constant("ring_places", places.reshape(cells, cells), np.int64)
    outer = graph.op("Gather", smooth, where, axis=2)  # (3, 1, cells, cells)

    inside = cells - 2
    steps = np.pi * np.arange(1, inside + 1) / (inside + 1)
    sines = graph.constant("sines", np.sqrt(2 / (inside + 1)) * np.sin(np.outer(steps, np.arange(1, inside + 1))))
    divisors = 4 - 2 * np.cos(steps) - 2 * np.cos(steps)[:, np.newaxis]
    neighbours = graph.constant("neighbours", [[[[0, 1, 0], [1, 0, 1], [0, 1, 0]]]])
    inner = graph.op("Conv", outer, neighbours)
    inner = graph.op("MatMul", graph.op("MatMul", sines, inner), sines)
    inner = graph.op("Div", inner, graph.constant("divisors", divisors))
    inner = graph.op("MatMul", graph.op("MatMul", sines, inner), sines)
    inner = graph.op("Pad", inner, graph.integers(*(0, 0, 1, 1) * 2))
    return graph.op("Squeeze", graph.op("Add", outer, inner), graph.integers(1))


def _stretching(graph: Graph, face: FaceSpec) -> str:
    """`face.blend.stretching`: (size, cells)."""
    places, cells = (
        graph.op("Range", graph.number(0), graph.number(length), graph.number(1)) for length in (face.size, face.cells)
    )
    place = graph.op("Add", places, graph.number(0.5))
    place = graph.op("Sub", graph.op("Mul", place, graph.number(face.cells / face.size)), graph.number(0.5))
    place = graph.op("Clip", place, graph.number(0), graph.number(face.cells - 1))
    away = graph.op("Abs", graph.op("Sub", graph.op("Unsqueeze", place, graph.integers(1)), cells))
    return graph.op("Relu", graph.op("Sub", graph.number(1), away))


def _cells(graph: Graph, face: FaceSpec, image: str) -> str:
    """The mean of each cell of a planar image (3, size, size), plus LIFT: (3, cells^2)."""
    cell = [face.size // face.cells] * 2
    means = graph.op("AveragePool", graph.op("Unsqueeze", image, graph.integers(0)), kernel_shape=cell, strides=cell)
    return graph.op("Reshape", graph.op("Add", means, graph.number(blend.LIFT)), graph.integers(3, -1))


def _fade(graph: Graph, face: FaceSpec, length: str, axis: int, feathered: str) -> str:
    """`face.blend.fade` along an axis of the planar crop, shaped for a product with it; 1 if not `feathered`."""
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
