"""Write the painted face back into the crop: as the original does, or without a visible edge.

The blend `feathered` has two steps. First it shifts the colours of the painted face to those of the recording: the
ring just inside the painted edge shows their ratio, which is smoothed and continued inwards harmonically (Perez,
Gangnet and Blake, "Poisson image editing", 2003), at a low resolution that leaves detail unchanged. Then it fades from
the recording to the painted face over a few pixels, in the resolution of the frame, so that the pixels around are the
recording's. The render program computes the same (`making/write_back.py`) with the same constants.
"""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.face.crop import interpolation
from frame_generation_pipeline.spec import FEATHERED, REFERENCE, FaceSpec

FEATHER = 1 / 16  # share of the painted square's side over which the recording fades out
SPREAD = 1.5  # cells; standard deviation of the smoothing along the ring
LIFT = 128.0  # levels, added before ratios are taken, so that dark colours are shifted rather than scaled
UNSEEN = 1 / 128  # ratios are moved towards 1 by so much, which fading hides; so noise shifts nothing


def write_back(
    crop: npt.NDArray[np.uint8],
    resized: npt.NDArray[np.uint8],
    output: npt.NDArray[np.float32],
    spec: FaceSpec,
    blend: str,
) -> npt.NDArray[np.uint8]:
    """Return the patch (h, w, 3) uint8 BGR: the crop with the painted face in it.

    crop: (h, w, 3) uint8 BGR. resized: (crop_size, crop_size, 3) uint8 BGR, from `resize_crop`.
    output: the network's, (1, 3, size, size) float32 in [0, 1]. blend: one of `spec.BLENDS`.
    """
    levels = (output[0] * 255).transpose(1, 2, 0)
    inside = slice(spec.margin, -spec.margin)
    if blend == FEATHERED:
        levels = np.rint(levels + colour_shift(resized[inside, inside], levels, spec.cells)).clip(0, 255)
    face = resized.copy()
    face[inside, inside] = levels.astype(np.uint8)  # truncated, as the original does
    scaled = np.asarray(cv2.resize(face, crop.shape[1::-1], interpolation=interpolation(spec)), np.uint8)
    if blend == REFERENCE:
        return scaled
    down, across = (fade(length, spec) for length in crop.shape[:2])
    share = (down[:, np.newaxis] * across)[..., np.newaxis]
    return np.asarray(np.rint(crop + share * (scaled.astype(np.float32) - crop)), np.uint8)


def colour_shift(
    original: npt.NDArray[np.uint8], levels: npt.NDArray[np.float32], cells_across: int
) -> npt.NDArray[np.float32]:
    """The shift to add to the painted `levels` (size, size, 3), so that their colours match those of `original`.

    cells_across: cells along a side of the square; the means of the cells are compared and shifted.
    """
    own_cells, painted_cells = (_cells(image, cells_across) for image in (original, levels))
    cells = (continuation(cells_across) @ (own_cells / painted_cells - 1)).reshape(cells_across, cells_across, 3)
    cells = np.sign(cells) * np.maximum(np.abs(cells) - UNSEEN, 0)
    stretch = stretching(len(levels), cells_across)
    shares = np.einsum("yi,xj,ijc->yxc", stretch, stretch, cells, optimize=True)
    return np.asarray(shares * (levels + LIFT), np.float32)


def fade(length: int, spec: FaceSpec) -> npt.NDArray[np.float32]:
    """The share of the painted face along a side of the crop with `length` pixels: 0 in the rim, then up to 1."""
    place = (np.arange(length, dtype=np.float32) + np.float32(0.5)) * np.float32(spec.crop_size / length)
    depth = np.minimum(place, spec.crop_size - place) - spec.margin
    way = (depth / np.float32(FEATHER * spec.size)).clip(0, 1)
    return np.asarray(way * way * (3 - 2 * way), np.float32)


@cache
def continuation(cells: int) -> npt.NDArray[np.float32]:
    """The matrix (cells^2, cells^2) that turns the cells' differences into their shifts; only the outermost matter.

    Differences are smoothed along the ring of the outermost cells; every other cell is the mean of its four neighbours.
    """
    rows, columns = np.divmod(np.arange(cells * cells), cells)
    outer = ring(cells) @ (cells, 1)
    away = np.abs(np.arange(len(outer))[:, np.newaxis] - np.arange(len(outer)))
    weights = np.exp(-0.5 * (np.minimum(away, len(outer) - away) / SPREAD) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)

    inner = np.setdiff1d(np.arange(cells * cells), outer)
    neighbours = np.abs(rows[:, np.newaxis] - rows) + np.abs(columns[:, np.newaxis] - columns) == 1
    laplacian = 4.0 * np.eye(cells * cells) - neighbours
    matrix = np.zeros((cells * cells, cells * cells))
    matrix[np.ix_(outer, outer)] = weights
    matrix[np.ix_(inner, outer)] = np.linalg.solve(
        laplacian[np.ix_(inner, inner)], neighbours[np.ix_(inner, outer)] @ weights
    )
    return matrix.astype(np.float32)


def ring(cells: int) -> npt.NDArray[np.int64]:
    """The outermost cells, (4 (cells - 1), 2) rows and columns, clockwise from the upper left corner."""
    last = cells - 1
    return np.concatenate(
        [
            [(0, x) for x in range(last)],
            [(y, last) for y in range(last)],
            [(last, x) for x in range(last, 0, -1)],
            [(y, 0) for y in range(last, 0, -1)],
        ]
    )


@cache
def stretching(size: int, cells: int) -> npt.NDArray[np.float32]:
    """The matrix (size, cells) that interpolates linearly between the middles of cells, constant beyond the last."""
    place = ((np.arange(size) + 0.5) * cells / size - 0.5).clip(0, cells - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(place[:, np.newaxis] - np.arange(cells))), np.float32)


def _cells(image: npt.NDArray[np.generic], cells: int) -> npt.NDArray[np.float32]:
    """The mean of each cell of an image (size, size, 3), plus LIFT: (cells^2, 3)."""
    cell = len(image) // cells
    means = image.reshape(cells, cell, cells, cell, 3).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(means.reshape(-1, 3) + LIFT, np.float32)
