"""Something before the mouth, painted by the tests, is told from a mouth that talks."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.prepare.covered import COLOURS, covered, mouth_colours, shows_lips
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.lips import mouth_box
from recordings import moved, portrait, write_recording

Cover = Callable[[Frame, tuple[int, int], int], None]


def mask(image: Frame, middle: tuple[int, int], side: int) -> None:
    """A surgical one, light blue, from the nose to the chin."""
    x, y = middle
    cv2.ellipse(image, (x, y + side // 8), (round(0.7 * side), round(0.55 * side)), 0, 0, 360, (200, 160, 90), -1)


def microphone(image: Frame, middle: tuple[int, int], side: int) -> None:
    cv2.circle(image, middle, round(0.38 * side), (40, 40, 40), -1)


def hand(image: Frame, middle: tuple[int, int], side: int) -> None:
    """Three fingers across the mouth in the colour of the cheek."""
    skin = image[middle[1] - side // 3, middle[0] - round(0.45 * side)].tolist()
    for finger in (-1, 0, 1):
        y = middle[1] + round(finger * 0.2 * side)
        left, right = (middle[0] - round(0.5 * side), y), (middle[0] + round(0.4 * side), y - side // 12)
        cv2.line(image, left, right, [0.65 * value for value in skin], round(0.22 * side))
        cv2.line(image, left, right, [(0.97 + 0.03 * finger) * value for value in skin], round(0.18 * side))


@pytest.fixture(scope="module")
def covers() -> dict[str, Frame]:
    """The portrait with something before its mouth."""
    (face,) = FaceLandmarker().faces(portrait())
    left, top, right, bottom = mouth_box(face.points)
    images = {}
    for cover in (mask, microphone, hand):
        images[cover.__name__] = portrait()
        cover(images[cover.__name__], ((left + right) // 2, (top + bottom) // 2), right - left)
    return images


@pytest.mark.parametrize("kind", ["microphone", "hand"])
def test_a_covered_mouth_is_left_out(kind: str, covers: dict[str, Frame], tmp_path: Path) -> None:
    frames = [moved(covers[kind] if 30 <= index < 50 else portrait(), index) for index in range(80)]
    summary = prepare(write_recording(tmp_path / "covered.mp4", frames), tmp_path / "person").summary
    covered = summary["problems"].pop("mouth covered")
    assert covered >= 19  # with some versions of the libraries no face is found in a frame
    assert covered + summary["problems"].pop("no face", 0) == 20
    assert not summary["problems"]
    assert [part["frames"] for part in summary["ranges"]] == [30, 30]
    assert f"{covered} frames: mouth covered; keep hands" in (tmp_path / "person" / "report.html").read_text()


@pytest.mark.parametrize("kind", ["mask", "microphone", "hand"])
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_few_or_most_frames_with_a_covered_mouth(kind: str, share: float, covers: dict[str, Frame]) -> None:
    landmarker = FaceLandmarker()
    (own,) = landmarker.faces(portrait())
    face = landmarker.follow(covers[kind], own)
    assert face
    open_mouth, hidden = mouth_colours(portrait(), own), mouth_colours(covers[kind], face)
    count = round(100 * share)
    colours = [*[open_mouth] * (100 - count), *[hidden] * count]
    assert shows_lips(colours)
    assert covered(colours).tolist() == [False] * (100 - count) + [True] * count
    assert not shows_lips([hidden] * 100)
    assert not covered([hidden] * 100).any()  # it cannot be told


def test_real_people_talk_and_a_hand_is_seen(real_dir: Path) -> None:
    landmarker = FaceLandmarker()
    for name in ("presenter.mp4", "speaker.mp4"):
        plain, hidden = [], []
        for image in islice(read_frames(real_dir / name), 0, 200, 20):
            face = landmarker.faces(image)[0]
            plain.append(mouth_colours(image, face))
            left, top, right, bottom = mouth_box(face.points)
            hand(image, ((left + right) // 2, (top + bottom) // 2), right - left)
            hidden.append(mouth_colours(image, landmarker.follow(image, face) or face))
        assert not covered(plain).any()
        assert covered([*plain, *hidden]).tolist() == [False] * 10 + [True] * 10


def test_light_that_changes_and_lips_that_open_cover_nothing() -> None:
    image = portrait()
    (face,) = FaceLandmarker().faces(image)
    shown = [np.asarray(np.clip(image * light, 0, 255), np.uint8) for light in (0.7, 0.85, 1.0, 1.0, 1.1)]
    left, top, right, bottom = mouth_box(face.points)
    opened = image.copy()
    middle = ((left + right) // 2, (top + bottom) // 2)
    cv2.ellipse(opened, middle, ((right - left) // 6, (bottom - top) // 16), 0, 0, 360, (20, 20, 60), -1)
    assert not covered([mouth_colours(portrayed, face) for portrayed in (*shown, opened)]).any()


def test_long_scenes_are_compared_with_themselves() -> None:
    scenes = [np.full(COLOURS, 10.0, np.float32)] * 400 + [np.full(COLOURS, 90.0, np.float32)] * 250
    assert covered(scenes).sum() == 250
    assert not covered(scenes, [400]).any()
    assert covered(scenes[:-1], [400]).sum() == 249


def test_another_person_covers_nothing() -> None:
    """In a scene of a second, whose skin and lips have other colours than those of the rest."""
    own = np.zeros((COLOURS // 3, 3), np.float32)
    own[[0, 1], 1] = 10
    other = np.asarray(own / 2 + 30, np.float32)
    colours: list[npt.NDArray[np.float32]] = [*[own.ravel()] * 90, *[other.ravel()] * 30]
    assert covered(colours).tolist() == [False] * 90 + [True] * 30
    assert not covered(colours, [90]).any()


def test_no_frames_and_a_face_beside_the_image() -> None:
    (face,) = FaceLandmarker().faces(portrait())
    assert covered([]).shape == (0,)
    beside = mouth_colours(np.zeros((8, 8, 3), np.uint8), face)
    np.testing.assert_array_equal(beside, np.zeros(COLOURS))
