import numpy as np
import pytest

from faces import draw_face
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.lips import lip_opening


def test_a_face_has_the_box_of_its_points(closed: Face) -> None:
    assert closed.points.shape == (468, 3)
    assert closed.points.dtype == np.float32
    assert 0.99 < closed.score <= 1
    left, top, right, bottom = closed.box
    assert (left, top) == tuple(closed.points[:, :2].min(0))
    assert (right, bottom) == tuple(closed.points[:, :2].max(0))
    assert closed.area == (right - left) * (bottom - top)


def test_faces_come_largest_first(landmarker: FaceLandmarker) -> None:
    photo = draw_face((640, 360), (480, 170), 120)
    large, small = landmarker.faces(draw_face((640, 360), (160, 180), 200, image=photo))
    assert large.area > 2 * small.area
    assert large.box[2] < 320 < small.box[0]


def test_the_same_image_gives_the_same_bits_whatever_was_seen_before(landmarker: FaceLandmarker, closed: Face) -> None:
    landmarker.faces(draw_face(tilt=20))
    (again,) = landmarker.faces(draw_face())
    np.testing.assert_array_equal(again.points, closed.points)


def test_small_faces_are_found(landmarker: FaceLandmarker) -> None:
    (face,) = landmarker.faces(draw_face((1280, 720), (1000, 500), 80))
    left, top, right, bottom = face.box
    assert 45 < right - left < 65
    assert left < 1000 < right
    assert top < 500 < bottom


def test_detections_without_a_mesh_do_not_end_the_search(
    landmarker: FaceLandmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = draw_face()
    (detection,) = next(landmarker._detector.searches(photo))
    wrong = type(detection)(0.9, (0.0, 0.0, 40.0, 40.0), np.array([[10.0, 15.0], [30.0, 15.0]]))
    monkeypatch.setattr(landmarker._detector, "searches", lambda image: iter([[wrong], [wrong, detection, detection]]))
    (face,) = landmarker.faces(photo)
    assert face.box[0] < 160 < face.box[2]


def test_nothing_is_found_in_noise(landmarker: FaceLandmarker) -> None:
    assert landmarker.faces(np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)) == []


def test_a_face_is_followed_until_it_is_gone(landmarker: FaceLandmarker, closed: Face) -> None:
    moved = landmarker.follow(draw_face(middle=(172, 114)), closed)
    assert isinstance(moved, Face)
    shift = (moved.points - closed.points)[:, :2].mean(0)
    np.testing.assert_allclose(shift, (12, -6), atol=1.5)
    assert landmarker.follow(np.full((240, 320, 3), 128, np.uint8), moved) is None


def test_openings_are_those_of_the_image_and_its_mirror_image(
    landmarker: FaceLandmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = draw_face(middle=(172, 114), tilt=8, opening=0.06)
    (region,), (mirrored,) = landmarker.faces(photo), landmarker.faces(photo[:, ::-1].copy())
    face = landmarker.follow(photo, region)
    assert face is not None
    opening = landmarker.lip_opening(photo, face, region)
    assert opening != lip_opening(face.points)
    assert opening == pytest.approx((lip_opening(face.points) + lip_opening(mirrored.points)) / 2, rel=0.05)
    in_a_mirror = landmarker.lip_opening(photo[:, ::-1].copy(), mirrored, mirrored)
    assert opening == pytest.approx(in_a_mirror, rel=0.05)
    monkeypatch.setattr(landmarker, "follow", lambda image, previous: None)
    assert landmarker.lip_opening(photo, face, region) == lip_opening(face.points)
