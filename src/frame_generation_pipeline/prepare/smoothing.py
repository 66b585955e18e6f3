"""Smooth landmarks without lag.

Each coordinate is replaced by the value of a parabola that is fitted to its neighbours in time, before and after it
(A. Savitzky and M. J. E. Golay, "Smoothing and Differentiation of Data by Simplified Least Squares Procedures",
Analytical Chemistry 36(8), 1964). A parabola follows a head that moves and accelerates, and removes noise.
"""

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.template.landmarks import FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE

POINTS_REACH = 2  # frames on each side with which a point is smoothed
BOX_REACH = 4  # for the points that determine the crop box, whose motion is visible at the box's edge
BOX_POINTS = (FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE)

AT_ONCE = 22  # points that are smoothed at once

Values = npt.NDArray[np.float64]


def smooth_landmarks(landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Smooth the landmarks (n, 110, 2) of consecutive frames, in pixels, n >= 1."""
    smoothed = np.empty(landmarks.shape, np.float32)
    for begin in range(0, landmarks.shape[1], AT_ONCE):  # all points of an hour at once would take gigabytes
        part = slice(begin, begin + AT_ONCE)
        smoothed[:, part] = smooth(_without_outliers(landmarks[:, part].astype(np.float64)), POINTS_REACH)
    box = list(BOX_POINTS)
    smoothed[:, box] = smooth(_without_outliers(landmarks[:, box].astype(np.float64)), BOX_REACH)
    return smoothed


def smooth(values: Values, reach: int) -> Values:
    """Replace values (n, ...) of consecutive frames by those of parabolas through up to `reach` frames on each side."""
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
    """The weights of the values at positions `first` to `last` in their parabola's value at position 0."""
    around = np.arange(first, last + 1, dtype=np.float64)
    return np.asarray(np.linalg.pinv(np.vander(around, min(3, len(around)), increasing=True))[0])


def jitter(values: npt.NDArray[np.floating]) -> float:
    """Mean length of the second difference in time of points (n, k, 2), in pixels; 0 for uniform motion."""
    if len(values) < 3:
        return 0.0
    return _mean_length(values, 2)


def motion(values: npt.NDArray[np.floating]) -> float:
    """Mean distance that points (n, k, 2) move from frame to frame, in pixels."""
    return _mean_length(values, 1) if len(values) > 1 else 0.0


def _mean_length(values: npt.NDArray[np.floating], order: int) -> float:
    """Mean length of the differences in time of that order, point by point, which saves memory."""
    points = (values[:, index].astype(np.float64) for index in range(values.shape[1]))
    return float(np.mean([np.linalg.norm(np.diff(point, n=order, axis=0), axis=1).mean() for point in points]))


def _without_outliers(values: Values) -> Values:
    """Replace outliers by the median of three values."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0))
