from pathlib import Path

import cv2
import numpy as np

from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.landmarks import FACE_LEFT, FACE_RIGHT, LIPS, NOSE_BRIDGE, read_landmarks
from frame_generation_pipeline.tracking.detector import overlap
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.layout import to_110


def test_points_are_at_their_places_in_a_face(closed: Face) -> None:
    points = to_110(closed.points)
    assert points.shape == (110, 2)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, to_110(closed.points[:, :2]))
    x, y = points.T
    assert np.all(np.diff(y[:17]) > 0)  # the face's edge goes down to the chin, and up again
    assert np.all(np.diff(y[16:33]) < 0)
    assert y.argmax() == 16
    np.testing.assert_allclose(np.linalg.norm(np.diff(points[:33], axis=0), axis=1).std(), 0, atol=1.5)  # evenly
    assert x[FACE_LEFT] < x[33:110].min()
    assert x[FACE_RIGHT] > x[33:110].max()
    for left, right in ((33, 42), (38, 47), (55, 65), (57, 63), (70, 82), (66, 78), (90, 96), (102, 106)):
        np.testing.assert_allclose((x[left] + x[right]) / 2, 160, atol=3)  # counterparts
        np.testing.assert_allclose(y[left], y[right], atol=4)
    assert y[54] < y[53] < y[NOSE_BRIDGE] < y[51] < y[60] < y[93] < y[104] <= y[108] < y[99]
    np.testing.assert_allclose(points[[74, 86]], [[137.5, 111], [182.5, 111]], atol=4)  # the drawing's pupils


def test_many_meshes_at_once_are_as_one_by_one(closed: Face) -> None:
    noise = np.random.default_rng(0).normal(0, 4, (2, 3, *closed.points.shape)).astype(np.float32)
    meshes = closed.points + noise
    meshes[0, 0, 93] = meshes[0, 0, 234]  # two points of the edge in one place
    placed = to_110(meshes)
    assert placed.shape == (2, 3, 110, 2)
    assert np.isfinite(placed).all()
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(placed[index], to_110(meshes[index]))


def test_the_lips_outer_line_encloses_the_inner_one(closed: Face) -> None:
    lips = to_110(closed.points)[LIPS]
    for point in lips[12:]:
        assert cv2.pointPolygonTest(lips[:12, np.newaxis], (float(point[0]), float(point[1])), True) > -0.5


def test_boxes_are_those_of_real_templates(real_dir: Path, landmarker: FaceLandmarker) -> None:
    overlaps = []
    for number in range(0, 120, 6):
        image = read_image(real_dir / "person/full_body_img" / f"{number}.jpg")
        face, *_ = landmarker.faces(image)
        real = CropBox.from_landmarks(read_landmarks(real_dir / "person/landmarks" / f"{number}.lms"))
        ours = CropBox.from_landmarks(to_110(face.points).astype(np.int32))
        corners = [(box.x, box.y, box.x + box.size, box.y + box.size) for box in (real, ours)]
        overlaps.append(overlap(*corners))
    assert np.median(overlaps) >= 0.9
    assert min(overlaps) >= 0.7
