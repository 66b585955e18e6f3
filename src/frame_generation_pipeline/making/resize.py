"""Write OpenCV's resizing of uint8 images into an ONNX graph, for sizes that are known only when it runs.

Each direction is interpolated by multiplying blocks of neighbouring samples with small matrices, which the graph
computes from the two lengths: matrix products are the runtime's fastest operator, while its own `Resize` is slow.
"""

import numpy as np

from frame_generation_pipeline.making.graph import Graph

BLOCKS = 16  # blocks of positions along a direction; a block needs few of all samples
_A = -0.75  # OpenCV's parameter of the cubic
# A row for each tap, from left to right. The tap's weight is the row times (1, t, t^2, t^3), where t is the distance of
# the sampled position from the sample before it.
_CUBIC = ((0, _A, -2 * _A, _A), (1, 0, -_A - 3, _A + 2), (0, -_A, 2 * _A + 3, -_A - 2), (0, 0, _A, -_A))
_LINEAR = ((1, -1), (0, 1))
_LINEAR_SCALE = 2048  # OpenCV's linear weights for uint8 are integers of 11 bits


def resize(graph: Graph, image: str, source: tuple[str, str], target: tuple[str, str], *, cubic: bool) -> str:
    """Resize the planar image `image` (3, *source) float32 to (3, *target) float32, integers from 0 to 255.

    source, target: (h, w), each an int64 vector of one element. The result differs from OpenCV's INTER_CUBIC by one
    level in one pixel of 10,000, and from its INTER_LINEAR by one level in one of 200.
    """
    down, across = (
        _taps(graph, *lengths, _CUBIC if cubic else _LINEAR) for lengths in zip(source, target, strict=True)
    )
    turned = graph.op("Transpose", image, perm=[0, 2, 1])
    if cubic:
        wide = graph.op("Transpose", _stretch(graph, turned, across, source[1], target[1]), perm=[0, 2, 1])
        resized = _stretch(graph, wide, down, source[0], target[0])
        return graph.op("Clip", graph.op("Round", resized), graph.number(0), graph.number(255))

    # OpenCV computes with integers and drops bits: 4 after the first direction, 16 from each tap of the second.
    (across_index, across_weights), (down_index, down_weights) = (
        (index, graph.op("Round", graph.op("Mul", weights, graph.number(_LINEAR_SCALE))))
        for index, weights in (across, down)
    )
    turned = _stretch(graph, turned, (across_index, across_weights), source[1], target[1])
    wide = graph.op("Transpose", _floor_divide(graph, turned, 16), perm=[0, 2, 1])
    total = graph.number(2)  # one half, in the two bits that remain
    for tap in range(len(_LINEAR)):
        one = [graph.op("Gather", part, graph.integers(tap), axis=2) for part in (down_index, down_weights)]
        product = _stretch(graph, wide, (one[0], one[1]), source[0], target[0])
        total = graph.op("Add", total, _floor_divide(graph, product, 65536))
    return _floor_divide(graph, total, 4)


def _taps(graph: Graph, source: str, target: str, polynomials: tuple[tuple[float, ...], ...]) -> tuple[str, str]:
    """The samples of each target position, with repeated edges, and their weights.

    Both are (BLOCKS, positions of a block, taps), int64 and float32; the last block may reach beyond the target.
    """
    one, half = graph.number(1, np.int64), graph.number(0.5, np.float64)
    first, last = graph.number(0, np.int64), graph.op("Sub", source, one)
    ratio = graph.op("Div", *(graph.cast(length, np.float64) for length in (source, target)))
    end = graph.op("Mul", _blocks(graph, target), graph.number(BLOCKS, np.int64))
    position = graph.op("Range", first, graph.op("Squeeze", end), one)
    position = graph.cast(graph.op("Reshape", position, graph.integers(BLOCKS, -1, 1)), np.float64)
    position = graph.op("Sub", graph.op("Mul", graph.op("Add", position, half), ratio), half)
    if len(polynomials) == 2:  # at an edge, OpenCV takes the sample once and not twice with rounded weights
        position = graph.op("Max", position, graph.number(0, np.float64))
        position = graph.op("Min", position, graph.cast(last, np.float64))
    before = graph.op("Floor", position)
    way = graph.cast(graph.op("Sub", position, before), np.float32)
    order = len(polynomials[0])
    powers = graph.op("Pow", way, graph.constant(f"powers_{order}", np.arange(order)))
    weights = graph.op("MatMul", powers, graph.constant(f"polynomials_{order}", np.transpose(polynomials)))
    offsets = graph.integers(*(tap - len(polynomials) // 2 + 1 for tap in range(len(polynomials))))
    index = graph.op("Add", graph.cast(before, np.int64), offsets)
    return graph.op("Min", graph.op("Max", index, first), last), weights


def _stretch(graph: Graph, image: str, taps: tuple[str, str], source: str, target: str) -> str:
    """Interpolate the rows of `image` (3, source, width): (3, target, width) float32."""
    index, weights = taps
    start = graph.op("ReduceMin", index, axes=[1, 2], keepdims=1)
    index = graph.op("Sub", index, start)
    length = graph.op("Add", graph.op("ReduceMax", index, keepdims=0), graph.number(1, np.int64))
    shape = graph.op(
        "Concat",
        graph.integers(BLOCKS),
        _blocks(graph, target),
        graph.op("Unsqueeze", length, graph.integers(0)),
        axis=0,
    )
    matrices = graph.op("ScatterElements", graph.op("ConstantOfShape", shape), index, weights, axis=2, reduction="add")
    samples = graph.op("Range", graph.number(0, np.int64), length, graph.number(1, np.int64))
    samples = graph.op("Add", graph.op("Squeeze", start, graph.integers(2)), samples)
    samples = graph.op("Min", samples, graph.op("Sub", source, graph.number(1, np.int64)))
    stretched = graph.op("MatMul", matrices, graph.op("Gather", image, samples, axis=1))
    width = graph.op("Shape", image, start=2)
    stretched = graph.op("Reshape", stretched, graph.op("Concat", graph.integers(3, -1), width, axis=0))
    return graph.op("Slice", stretched, graph.integers(0), target, graph.integers(1))


def _blocks(graph: Graph, target: str) -> str:
    """The number of positions in each block, rounded up: an int64 vector of one element."""
    filled = graph.op("Add", target, graph.number(BLOCKS - 1, np.int64))
    return graph.op("Div", filled, graph.number(BLOCKS, np.int64))


def _floor_divide(graph: Graph, value: str, divisor: int) -> str:
    return graph.op("Floor", graph.op("Mul", value, graph.number(1 / divisor)))
