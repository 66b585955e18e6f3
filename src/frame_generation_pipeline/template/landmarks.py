"""Read landmark files: `{i}.lms`, 110 lines of `x y`, as the original's face aligner writes them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import MissingFileError, TemplateError

LANDMARKS = 110  # points a face
FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE = 1, 31, 52  # face edges at eye height, left and right in the image; nose bridge
MOST_BYTES = 100_000  # of a landmark file; twenty times the usual size
NOSE = slice(51, 66)  # its ridge and outline
LIPS = slice(90, 110)  # the outer line of the lips, then the inner one
UPPER_GAP, LOWER_GAP = slice(103, 106), slice(109, 106, -1)  # of the inner line, facing each other in the middle
EYE_CORNERS = (66, 78)  # the outer ones
NOSE_TO_CHIN = (54, 16)


def read_landmarks(path: str | Path) -> npt.NDArray[np.int32]:
    """Read the landmarks of one face, (110, 2) int32 pixels (x, y), truncated toward zero as the original does.

    Raises MissingFileError; TemplateError for anything but 110 lines of two numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: no such landmark file")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError
        points = [[float(number) for number in line.split()] for line in path.read_text("ascii").splitlines() if line]
    except (ValueError, OSError) as error:
        raise TemplateError(f"{path}: not a landmark file; expected {LANDMARKS} lines of two numbers") from error
    if len(points) != LANDMARKS or any(len(point) != 2 for point in points):
        raise TemplateError(f"{path}: {len(points)} points; expected {LANDMARKS} lines of two numbers")
    values = np.array(points)
    if not np.isfinite(values).all() or np.abs(values).max() > 1e6:
        raise TemplateError(f"{path}: has points that are no pixel positions")
    return values.astype(np.int32)


def lip_opening(landmarks: npt.NDArray[np.int32]) -> float:
    """The gap in the middle of the lips, divided by the distance of the eyes' outer corners: about 0 when closed.

    landmarks: (110, 2) pixels. Equals `tracking.lips.lip_opening` of the mesh, except for the rounding to pixels.
    """
    points = landmarks.astype(np.float64)
    nose, chin = points[list(NOSE_TO_CHIN)]
    left, right = points[list(EYE_CORNERS)]
    down, scale = chin - nose, np.linalg.norm(right - left)
    length = np.linalg.norm(down)
    if not length or not scale:
        return float("inf")
    return float(((points[LOWER_GAP] - points[UPPER_GAP]) @ down).mean() / length / scale)
