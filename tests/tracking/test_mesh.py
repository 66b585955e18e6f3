import numpy as np
import pytest

from faces import draw_face
from frame_generation_pipeline.tracking.mesh import EYE_CORNERS, POINTS, SIDE, FaceMesh, Region


def test_a_region_is_half_again_as_large_as_the_box_and_turned_like_the_eyes() -> None:
    region = Region.around((100, 50, 200, 130), (120, 80), (160, 120))
    assert (region.middle, region.side) == ((150, 90), 150)
    assert region.angle == pytest.approx(np.pi / 4)


def test_a_region_maps_the_input_onto_the_image() -> None:
    matrix = Region((150, 90), 150, np.pi / 2).to_image()
    np.testing.assert_allclose(matrix @ [SIDE / 2, SIDE / 2, 1], [150, 90])
    np.testing.assert_allclose(matrix @ [SIDE, SIDE / 2, 1], [150, 90 + 75])  # what is right of a turned face is below
    np.testing.assert_allclose(matrix @ [SIDE / 2, 0, 1], [150 + 75, 90], atol=1e-9)


@pytest.mark.parametrize("tilt", [0, 30, -60])
def test_points_are_where_the_face_is_however_it_is_turned(tilt: float) -> None:
    tip = np.array([np.cos(np.radians(tilt)), np.sin(np.radians(tilt))])
    region = Region.around((100, 70, 220, 190), -tip, tip)
    points, presence = FaceMesh(threads=1).points(draw_face(tilt=tilt), region)
    assert points.shape == (POINTS, 3)
    assert points.dtype == np.float32
    assert presence > 0.99
    eyes = points[list(EYE_CORNERS), :2]
    np.testing.assert_allclose(np.subtract(*eyes[::-1]) / np.linalg.norm(np.subtract(*eyes)), tip, atol=0.1)
    np.testing.assert_allclose(
        points[[13, 14], :2].mean(0), (160, 120) + 0.52 * 75 * np.array([-tip[1], tip[0]]), atol=6
    )
    assert points[1, 2] < points[[234, 454], 2].min()  # the nose is nearer than the cheeks


def test_presence_is_low_where_there_is_no_face() -> None:
    _, presence = FaceMesh(threads=1).points(np.full((200, 200, 3), 128, np.uint8), Region((100, 100), 150, 0))
    assert presence < 0.1
