"""Another person after a cut is told from the same one in other light."""

import logging
from functools import cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.prepare.identity import Description, describe, is_another, parts_to_compare
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.weights import PRESENTER
from recordings import SIZE, moved, portrait, write_recording


@pytest.fixture(scope="module")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker()


@cache
def presenter() -> Frame:
    """The built-in presenter's face where the portrait's is, (360, 360, 3)."""
    image = Avatar.load(PRESENTER).template.read(0).image
    (face,) = FaceLandmarker().faces(image)
    (own,) = FaceLandmarker().faces(portrait())
    actual, expected = (np.ascontiguousarray(one.points[:, :2]) for one in (face, own))
    matrix, _ = cv2.estimateAffinePartial2D(actual, expected)
    return np.asarray(cv2.warpAffine(image, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def described(landmarker: FaceLandmarker, *images: Frame) -> list[Description]:
    return [describe(image, landmarker.faces(image)[0]) for image in images]


def test_one_person_in_other_light_and_size(landmarker: FaceLandmarker) -> None:
    image = portrait()
    side_light = np.clip(image * np.linspace(0.6, 1.3, SIZE)[:, np.newaxis], 0, 255).astype(np.uint8)
    others = [side_light, cv2.GaussianBlur(image, (0, 0), 2), cv2.resize(image, None, fx=0.6, fy=0.6), image // 2]
    main = described(landmarker, image)
    assert not any(is_another(main, described(landmarker, np.asarray(other, np.uint8))) for other in others)
    assert is_another(main, described(landmarker, presenter()))
    assert not is_another(main, [])


def test_people_of_real_recordings(landmarker: FaceLandmarker, real_dir: Path) -> None:
    paths = (real_dir / "presenter.mp4", real_dir / "speaker.mp4", real_dir / "person" / "full_body_img")
    people = []
    for path in paths:
        images = list(islice(read_frames(path), 0, 120, 20))
        people.append([described(landmarker, *part) for part in (images[:3], images[3:])])
    for index, (first, second) in enumerate(people):
        assert not is_another(first, second)
        assert all(is_another(first, other[0]) for place, other in enumerate(people) if place != index)


def test_frames_that_face_the_camera_are_compared(landmarker: FaceLandmarker) -> None:
    (face,) = landmarker.faces(portrait())
    observations = [Observation(index, face, 0, 0.0, 0.0) for index in range(200)]
    good = [index not in range(60, 66) for index in range(200)]
    main, (other, empty) = parts_to_compare(observations, good, [60, 66])
    assert (main.first, main.stop, len(main.frames)) == (66, 200, 24)
    assert (other.first, other.stop, len(other.frames)) == (0, 60, 8)
    assert empty.frames == ()


def test_another_person_in_the_same_place_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shown = [moved(portrait() if index < 28 else presenter(), index) for index in range(54)]
    with caplog.at_level(logging.WARNING):
        preparation = prepare(write_recording(tmp_path / "two.mp4", shown), tmp_path / "two")
    assert preparation.summary["cuts"] == [28 / 25]
    assert preparation.summary["other people"] == [(28 / 25, 53 / 25)]
    assert "two.mp4: after a cut, at 1.1 to 2.1 s, another person may be speaking" in caplog.text
    assert "from 1.1 to 2.1 s, another person may be speaking" in (preparation.folder / "report.html").read_text()
