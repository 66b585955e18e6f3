"""Choose frames of a long recording for training: fewer of the common poses and mouth shapes, all of the rare ones."""

import numpy as np
import numpy.typing as npt

COMPONENTS = 4  # principal components by which frames are compared
CELLS = 0.1  # number of cells, as a share of the number of chosen frames


def choose_spread(values: npt.NDArray[np.float64], most: int, *, pairs: bool = False) -> npt.NDArray[np.int64]:
    """Choose the indices of at most `most` rows of `values` (n, k), n > `most`, spread evenly over their values.

    Rows are sorted into cells of a grid over their principal components; the same number is taken of each cell, evenly
    in time, or all of a smaller cell. pairs: every other index is the next row of the one before. Indices are in order.
    """
    number = most // 2 if pairs else most
    cells = _cells(values, max(2, round((CELLS * number) ** (1 / COMPONENTS))))
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    each = _most_of_each(counts, number)
    order = np.argsort(cell.ravel(), kind="stable")
    ends = np.cumsum(counts)
    chosen = [
        order[end - count : end][((np.arange(min(count, each)) + 0.5) * count / min(count, each)).astype(np.int64)]
        for end, count in zip(ends.tolist(), counts.tolist(), strict=True)
    ]
    indices = np.sort(np.concatenate(chosen))
    if len(indices) > number:  # there are more cells than rows to choose
        indices = indices[np.linspace(0, len(indices) - 1, number).round().astype(np.int64)]
    if pairs:
        indices = np.union1d(indices, np.minimum(indices + 1, len(values) - 1))
    return indices


def _cells(values: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.int64]:
    """The cell (n, COMPONENTS) of each row in a grid of `bins` bins between the first and last percentiles."""
    scaled = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    _, vectors = np.linalg.eigh(scaled.T @ scaled)
    components = scaled @ vectors[:, : -COMPONENTS - 1 : -1]
    low, high = np.percentile(components, (1, 99), axis=0)
    places = (components - low) / np.maximum(high - low, 1e-9) * bins
    return np.asarray(np.clip(places, 0, bins - 1), np.int64)


def _most_of_each(counts: npt.NDArray[np.int64], total: int) -> int:
    """The largest number of rows to take from each cell, so that they are at most `total`; at least one."""
    low, high = 1, int(counts.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= total else (low, middle - 1)
    return low
