import numpy as np
import pytest

from faces import draw_face
from frame_generation_pipeline.tracking.detector import Detection, FaceDetector, _merged, overlap


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(threads=1)


def test_a_face_and_its_eyes_are_found_in_the_whole_image(detector: FaceDetector) -> None:
    (face,) = next(detector.searches(draw_face()))
    assert face.score > 0.8
    left, top, right, bottom = face.box
    assert left < 160 < right
    assert top < 120 < bottom
    # The drawing's eyes: 0.3 of half its height beside the middle, 0.12 above it.
    np.testing.assert_allclose(face.eyes, [[137.5, 111], [182.5, 111]], atol=5)


@pytest.mark.parametrize(("size", "middle"), [((640, 160), (500, 80)), ((160, 640), (80, 500))])
def test_the_image_is_not_distorted(detector: FaceDetector, size: tuple[int, int], middle: tuple[int, int]) -> None:
    (face,) = next(detector.searches(draw_face(size, middle, 130)))
    left, top, right, bottom = face.box
    np.testing.assert_allclose(((left + right) / 2, (top + bottom) / 2), middle, atol=25)
    assert right - left == pytest.approx(bottom - top, rel=0.1)


def test_small_faces_are_found_in_squares(detector: FaceDetector) -> None:
    searches = list(detector.searches(draw_face((1280, 720), (1000, 500), 80)))
    assert [len(faces) for faces in searches] == [0, 0, 1]
    np.testing.assert_allclose(searches[2][0].eyes, [[988, 495], [1012, 495]], atol=4)


@pytest.mark.parametrize("shape", [(240, 320, 3), (1, 1, 3), (1, 400, 3)])
def test_nothing_is_found_where_nothing_is(detector: FaceDetector, shape: tuple[int, int]) -> None:
    assert [*detector.searches(np.full(shape, 128, np.uint8))] == [[], [], []]


def test_overlapping_detections_are_one_face_weighted_by_score() -> None:
    def at(x: float, score: float) -> Detection:
        return Detection(score, (x, 0.0, x + 10, 10.0), np.array([[x, 0.0], [x + 5, 0.0]]))

    one, other = _merged([at(3, 0.6), at(0, 0.9), at(50, 0.7)])
    assert one.score == 0.9
    np.testing.assert_allclose(one.box, (1.2, 0, 11.2, 10))
    np.testing.assert_allclose(one.eyes, [[1.2, 0], [6.2, 0]])
    np.testing.assert_allclose(other.box, (50, 0, 60, 10))


def test_a_detection_without_extent_stays_by_itself() -> None:
    point = Detection(0.9, (5.0, 5.0, 5.0, 5.0), np.zeros((2, 2)))
    assert [face.box for face in _merged([point, point])] == [point.box]


@pytest.mark.parametrize(
    ("b", "expected"), [((0, 0, 2, 2), 1.0), ((1, 0, 3, 2), 1 / 3), ((2, 0, 4, 2), 0.0), ((5, 5, 6, 6), 0.0)]
)
def test_overlap(b: tuple[float, float, float, float], expected: float) -> None:
    assert overlap((0, 0, 2, 2), b) == pytest.approx(expected)
