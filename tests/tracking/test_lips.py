from collections.abc import Callable

import numpy as np
import pytest

from faces import draw_face
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.lips import Points, face_scale, lip_opening, lip_points, mouth_box, yaw


def turned(points: Points, degrees: float, *, axis: str) -> Points:
    """Points turned about their middle; about y to the right of the image, about z clockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = {"y": [[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], "z": [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]}[axis]
    middle = points.mean(0)
    return np.asarray((points - middle) @ np.array(matrix).T + middle, np.float32)


def test_lips_open_as_the_mouth_does(landmarker: FaceLandmarker, closed: Face) -> None:
    openings = [lip_opening(closed.points)]
    for opening in (0.03, 0.06, 0.12):
        (face,) = landmarker.faces(draw_face(opening=opening))
        openings.append(lip_opening(face.points))
    assert -0.02 < openings[0] < 0.06
    assert np.all(np.diff(openings) > 0.03)


@pytest.mark.parametrize("change", [lambda p: 3 * p, lambda p: p + 50, lambda p: turned(p, 40, axis="z")])
def test_the_opening_is_free_of_size_place_and_tilt(
    landmarker: FaceLandmarker, change: Callable[[Points], Points]
) -> None:
    (face,) = landmarker.faces(draw_face(opening=0.06))
    assert lip_opening(change(face.points)) == pytest.approx(lip_opening(face.points), rel=1e-4)


def test_a_turned_head_keeps_its_scale_and_opening(landmarker: FaceLandmarker) -> None:
    (face,) = landmarker.faces(draw_face(opening=0.06))
    away = turned(face.points, 35, axis="y")
    assert face_scale(away) == pytest.approx(face_scale(face.points), rel=1e-4)
    assert lip_opening(away) == pytest.approx(lip_opening(face.points), rel=1e-4)


@pytest.mark.parametrize("degrees", [-40, 0, 25])
def test_yaw_is_positive_to_the_right(closed: Face, degrees: float) -> None:
    points = turned(closed.points, degrees, axis="y")
    assert yaw(points) - yaw(closed.points) == pytest.approx(degrees, abs=0.1)
    if degrees:  # where the nose goes
        assert np.sign(points[1, 0] - points[[234, 454], 0].mean()) == np.sign(degrees)


def test_the_mouth_is_in_its_box(closed: Face) -> None:
    left, top, right, bottom = mouth_box(closed.points)
    assert right - left == bottom - top == round(1.2 * face_scale(closed.points))
    lips = lip_points(closed.points)
    assert lips.shape == (40, 2)
    assert np.all((lips > (left, top)) & (lips < (right, bottom)))
    np.testing.assert_allclose(((left + right) / 2, (top + bottom) / 2), (160, 159), atol=5)
