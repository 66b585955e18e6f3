"""Landmarks without jitter and without lag.

Each coordinate is replaced by what a parabola through its neighbours in time, before and after alike, has at its place
(A. Savitzky and M. J. E. Golay, "Smoothing and Differentiation of Data by Simplified Least Squares Procedures",
Analytical Chemistry 36(8), 1964). A parabola follows a head that moves and speeds up; what it does not follow is noise.
"""

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.template.landmarks import FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE

POINTS_REACH = 2  # frames on either side that a point is smoothed with
BOX_REACH = 4  # for the points that place the box, whose every move is seen at the box's edge
BOX_POINTS = (FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE)

AT_ONCE = 22  # points that are smoothed at once

Values = npt.NDArray[np.float64]


def smooth_landmarks(landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Landmarks of consecutive frames (n, 110, 2) in pixels, n >= 1 -> the same without jitter."""
    smoothed = np.empty(landmarks.shape, np.float32)
    for begin in range(0, landmarks.shape[1], AT_ONCE):  # an hour's all at once would take gigabytes
        part = slice(begin, begin + AT_ONCE)
        smoothed[:, part] = smooth(_without_outliers(landmarks[:, part].astype(np.float64)), POINTS_REACH)
    box = list(BOX_POINTS)
    smoothed[:, box] = smooth(_without_outliers(landmarks[:, box].astype(np.float64)), BOX_REACH)
    return smoothed


def smooth(values: Values, reach: int) -> Values:
    """Values of consecutive frames (n, ...) -> those of the parabolas through up to `reach` frames on either side."""
    count = len(values)
    smoothed = np.zeros_like(values)
    inner = max(count - 2 * reach, 0)  # frames that have `reach` others on either side, all with the same weights
    for offset, weight in enumerate(_weights(-reach, reach)):
        smoothed[reach : reach + inner] += weight * values[offset : offset + inner]
    for index in range(count):
        if index < reach or index >= reach + inner:
            first, last = max(index - reach, 0), min(index + reach, count - 1)
            weights = _weights(first - index, last - index)
            smoothed[index] = np.tensordot(weights, values[first : last + 1], axes=1)
    return smoothed


def _weights(first: int, last: int) -> Values:
    """What the values at places `first` to `last` count in their parabola's value at place 0."""
    around = np.arange(first, last + 1, dtype=np.float64)
    return np.asarray(np.linalg.pinv(np.vander(around, min(3, len(around)), increasing=True))[0])


def jitter(values: npt.NDArray[np.floating]) -> float:
    """Mean length of the second difference in time of points (n, k, 2), in pixels: 0 where all move evenly."""
    if len(values) < 3:
        return 0.0
    return _mean_length(values, 2)


def motion(values: npt.NDArray[np.floating]) -> float:
    """Mean distance that points (n, k, 2) move from frame to frame, in pixels."""
    return _mean_length(values, 1) if len(values) > 1 else 0.0


def _mean_length(values: npt.NDArray[np.floating], order: int) -> float:
    """Mean length of the differences in time of that order; the points of an hour take no gigabyte one by one."""
    points = (values[:, index].astype(np.float64) for index in range(values.shape[1]))
    return float(np.mean([np.linalg.norm(np.diff(point, n=order, axis=0), axis=1).mean() for point in points]))


def _without_outliers(values: Values) -> Values:
    """Each value replaced by the median of three where it is the odd one out."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0))
