"""Find frames in which something covers the mouth, such as a mask, a microphone or a hand.

The mesh looks the same when the mouth is covered, so colours decide. Lips are redder than the skin around them, by much
more than the colour of a hand or a mask varies. And the colours of the lips and the skin around them, relative to the
cheeks in the same frame, are compared with those in most of the recording.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.tracking.landmarker import Face

# Points of the mesh at which colours are measured; none is inside the mouth, which opens.
ZONES = ((37, 0, 267), (84, 17, 314), (61,), (291,), (164,), (18, 200), (186, 57, 212), (410, 287, 432))
SKIN = (50, 280, 6, 168)  # cheeks and the root of the nose
SIDE = 160  # pixels; side to which the face's box is resized
SMOOTHED = 7  # pixels; side of the square over which a point's colour is averaged
LIPS, AROUND = [0, 1], [4, 5, 6, 7]  # zones of the lips' middle, and of the skin around them
# Values of a* by which lips are redder than that skin: 5 to 12 in the reddest tenth of the frames of people who talk.
LEAST_RED = 2.5  # in that tenth, for lips to be visible
PALE, PALEST = 0.3, 2.0  # share of the reddest tenth's value, and a*; below both, no lips are visible
STEADY = 5  # frames; most of them must agree
COVERED = 24.0  # mean difference of the zones in 8-bit Lab units; below 20 for people who talk
# Frames from which on a scene is compared with itself alone, because its light or person may be another one; where lips
# are seen in it, a second is enough.
LONG_SCENE, SHORT_SCENE = 250, 25
COLOURS = len(ZONES) * 3  # values

Colours = npt.NDArray[np.float32]  # (COLOURS,)


def mouth_colours(image: npt.NDArray[np.uint8], face: Face) -> Colours:
    """The differences (COLOURS,) of the zones' colours from the skin's in an image (H, W, 3) uint8 BGR; 8-bit Lab."""
    height, width = image.shape[:2]
    left, top, right, bottom = (round(value) for value in face.box)
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        return np.zeros(COLOURS, np.float32)
    small = cv2.resize(image[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.blur(cv2.cvtColor(small, cv2.COLOR_BGR2LAB), (SMOOTHED, SMOOTHED)).astype(np.float32)
    scale = (SIDE / (right - left), SIDE / (bottom - top))
    x, y = np.clip(np.rint((face.points[:, :2] - (left, top)) * scale), 0, SIDE - 1).astype(np.int64).T
    skin = lab[y[list(SKIN)], x[list(SKIN)]].mean(axis=0)
    return np.concatenate([lab[y[list(zone)], x[list(zone)]].mean(axis=0) - skin for zone in ZONES])


def covered(colours: Sequence[Colours], scenes: Sequence[int] = ()) -> npt.NDArray[np.bool_]:
    """Find the frames (n,) with a covered mouth; it must be visible in a tenth of the frames, see `shows_lips`.

    scenes: indices of frames at which another image begins.
    """
    values = np.array(colours, np.float32).reshape(-1, len(ZONES), 3)
    found = np.zeros(len(values), np.bool_)
    for begin, end in pairwise([0, *scenes, len(values)]):
        if begin < end:
            shown = values[begin:end]
            alone = end - begin >= (SHORT_SCENE if _reddest(shown) >= LEAST_RED else LONG_SCENE)
            like = shown if alone else values
            pale = _pale(shown, like)
            uncovered = like[~_pale(like, like)]
            differ = np.linalg.norm(shown - np.median(uncovered, axis=0), axis=2)
            found[begin:end] = pale | (differ.mean(axis=1) > COVERED)
    return found


def shows_lips(colours: Sequence[Colours]) -> bool:
    """Whether lips are visible in a tenth of the frames; false if the mouth is always covered or colours are weak."""
    return len(colours) > 0 and _reddest(np.array(colours, np.float32).reshape(-1, len(ZONES), 3)) >= LEAST_RED


def _redness(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The difference (n,) in a* between the lips and the skin around them, of colours (n, zones, 3)."""
    return np.asarray(values[:, LIPS, 1].mean(axis=1) - values[:, AROUND, 1].mean(axis=1))


def _reddest(values: npt.NDArray[np.float32]) -> float:
    return float(np.percentile(_redness(values), 90))


def _pale(values: npt.NDArray[np.float32], like: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """The consecutive frames that show no lips, compared with frames `like` them; none if those show no lips."""
    reddest = _reddest(like)
    if reddest < LEAST_RED:
        return np.zeros(len(values), np.bool_)
    padded = np.pad(_redness(values), STEADY // 2, mode="edge")
    steady = np.median(np.lib.stride_tricks.sliding_window_view(padded, STEADY), axis=1)
    return np.asarray(steady < min(PALE * reddest, PALEST))
