"""OpenCV's resizing of uint8 pictures as part of an ONNX graph, for sizes that are known only when it runs.

Both directions are multiplications by interpolation matrices that the graph makes from the lengths: that is the
runtime's fastest operator, while its own `Resize` walks through the pixels one by one.
"""

import numpy as np

from .graph import Graph

_A = -0.75  # OpenCV's choice for the cubic
# A row for each tap, from left to right; its weight is the row times (1, t, t^2, t^3), t being the way from the tap
# before the sampled position to the one after it.
_CUBIC = ((0, _A, -2 * _A, _A), (1, 0, -_A - 3, _A + 2), (0, -_A, 2 * _A + 3, -_A - 2), (0, 0, _A, -_A))
_LINEAR = ((1, -1), (0, 1))
_LINEAR_SCALE = 2048  # OpenCV's linear weights for uint8 are whole numbers of 11 bits


def resize(graph: Graph, image: str, source: tuple[str, str], target: tuple[str, str], *, cubic: bool) -> str:
    """The planar picture `image` (3, *source) float32 at another size: (3, *target) float32, whole numbers 0-255.

    source, target: (h, w), each an int64 scalar of the graph. Equal to OpenCV's INTER_CUBIC except for one level at
    one pixel in 10,000, and to its INTER_LINEAR except for one level at one in 300.
    """
    if cubic:
        rows, columns = (_matrix(graph, _taps(graph, *ends, _CUBIC), *ends) for ends in zip(source, target, strict=True))
        resized = graph.op("MatMul", rows, _along_rows(graph, image, columns))
        return graph.op("Clip", graph.op("Round", resized), graph.number(0), graph.number(255))

    rows, columns = (_fixed_point(graph, _taps(graph, *ends, _LINEAR)) for ends in zip(source, target, strict=True))
    # OpenCV drops low bits on the way, by 4 after the first direction, and by 16 from each tap of the second.
    wide = _along_rows(graph, image, _matrix(graph, columns, source[1], target[1]))
    wide = _floor_divide(graph, wide, 16)
    total = graph.number(2)
    for tap in range(len(_LINEAR)):
        one = tuple(graph.op("Gather", part, graph.integers(tap), axis=1) for part in rows)
        product = graph.op("MatMul", _matrix(graph, (one[0], one[1]), source[0], target[0]), wide)
        total = graph.op("Add", total, _floor_divide(graph, product, 65536))
    return _floor_divide(graph, total, 4)


def _taps(graph: Graph, source: str, target: str, polynomials: tuple[tuple[float, ...], ...]) -> tuple[str, str]:
    """Which samples each target position takes, edges repeated, and their weights: (target, taps) int64 and float32."""
    start, step = graph.number(0.0, np.float64), graph.number(1.0, np.float64)
    half, last = graph.number(0.5, np.float64), graph.op("Sub", source, graph.number(1, np.int64))
    ends = graph.cast(source, np.float64), graph.cast(target, np.float64)
    position = graph.op("Add", graph.op("Range", start, ends[1], step), half)
    position = graph.op("Sub", graph.op("Mul", position, graph.op("Div", *ends)), half)
    if len(polynomials) == 2:  # OpenCV takes the edge's sample whole, instead of twice with two rounded weights
        position = graph.op("Min", graph.op("Max", position, start), graph.cast(last, np.float64))
    before = graph.op("Floor", position)
    way = graph.cast(graph.op("Unsqueeze", graph.op("Sub", position, before), graph.integers(1)), np.float32)
    order = len(polynomials[0])
    powers = graph.op("Pow", way, graph.constant(f"powers_{order}", np.arange(order)))
    weights = graph.op("MatMul", powers, graph.constant(f"polynomials_{order}", np.transpose(polynomials)))
    offsets = graph.integers(*(tap - len(polynomials) // 2 + 1 for tap in range(len(polynomials))))
    index = graph.op("Add", graph.op("Unsqueeze", graph.cast(before, np.int64), graph.integers(1)), offsets)
    return graph.op("Min", graph.op("Max", index, graph.number(0, np.int64)), last), weights


def _fixed_point(graph: Graph, taps: tuple[str, str]) -> tuple[str, str]:
    index, weights = taps
    return index, graph.op("Round", graph.op("Mul", weights, graph.number(_LINEAR_SCALE)))


def _matrix(graph: Graph, taps: tuple[str, str], source: str, target: str) -> str:
    """The interpolation as a matrix (target, source) float32."""
    axis = graph.integers(0)
    shape = graph.op("Concat", *(graph.op("Unsqueeze", n, axis) for n in (target, source)), axis=0)
    return graph.op("ScatterElements", graph.op("ConstantOfShape", shape), *taps, axis=1, reduction="add")


def _along_rows(graph: Graph, image: str, matrix: str) -> str:
    return graph.op("MatMul", image, graph.op("Transpose", matrix, perm=[1, 0]))


def _floor_divide(graph: Graph, value: str, divisor: int) -> str:
    return graph.op("Floor", graph.op("Mul", value, graph.number(1 / divisor)))
