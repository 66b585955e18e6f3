"""Measures of the mouth and the head from the mesh, independent of the face's size and place."""

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.tracking.mesh import EYE_CORNERS

OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
UPPER_GAP, LOWER_GAP = (82, 13, 312), (87, 14, 317)  # facing each other across the middle of the mouth
NOSE_TO_CHIN = (168, 152)
CHEEKS = (234, 454)
MOUTH_REGION = 1.2  # side of the square around the mouth, in distances between the outer eye corners

Points = npt.NDArray[np.float32]  # (468, 3): x, y in pixels, depth in the same unit


def face_scale(points: Points) -> float:
    """Distance between the eyes' outer corners in pixels; it includes depth, so that turning the head keeps it."""
    left, right = points[list(EYE_CORNERS)].astype(np.float64)
    return float(np.linalg.norm(right - left))


def lip_opening(points: Points) -> float:
    """The gap in the middle of the lips in face scales: about 0 when closed."""
    gap = points[list(LOWER_GAP)].astype(np.float64) - points[list(UPPER_GAP)]
    down = np.subtract(*points[list(NOSE_TO_CHIN[::-1])].astype(np.float64))
    return float((gap @ down).mean() / np.linalg.norm(down) / face_scale(points))


def lip_points(points: Points) -> npt.NDArray[np.float32]:
    """The lips' outer and inner line, (40, 2) in pixels."""
    return points[list(OUTER_LIPS + INNER_LIPS), :2]


def mouth_box(points: Points) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a square around the mouth, in whole pixels; may leave the image."""
    middle = points[list(OUTER_LIPS), :2].mean(axis=0).astype(np.float64)
    side = round(MOUTH_REGION * face_scale(points))
    left, top = (round(float(value) - side / 2) for value in middle)
    return left, top, left + side, top + side


def yaw(points: Points) -> float:
    """The approximate turn of the head in degrees: 0 to the camera, positive to the right of the image.

    It is computed from the depth along the line between the cheeks; large turns come out too small.
    """
    left, right = points[list(CHEEKS)].astype(np.float64)
    across = right - left
    return float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))


def roll(points: Points) -> float:
    """The tilt of the head in the image in degrees: 0 upright, 90 with its top to the right."""
    left, right = points[list(EYE_CORNERS), :2].astype(np.float64)
    across = right - left
    return float(np.degrees(np.arctan2(across[1], across[0])))
