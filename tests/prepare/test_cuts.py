"""Recordings that were edited: taken apart where they jump."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.prepare.cuts import find_cuts
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from recordings import portrait, write_recording


@pytest.fixture(scope="module")
def face() -> Face:
    (face,) = FaceLandmarker().faces(portrait())
    return face


@pytest.mark.parametrize(
    ("changes", "cuts"),
    [
        ([0, 1, 1, 30, 1, 1], [3]),
        ([0, 1, 1, 30, 28, 1, 1], []),  # a flash of light
        ([0, 9, 12, 15, 12, 9, 8], []),  # a camera that is turned
        ([0, 1, 0, 7, 0, 1, 0], []),  # an image that was shown twice
    ],
)
def test_one_jump_among_still_images(face: Face, changes: list[float], cuts: list[int]) -> None:
    observations = [Observation(index, face, 0, 0.0, 0.0, change) for index, change in enumerate(changes)]
    assert find_cuts(observations) == cuts


def test_a_face_that_is_back_where_it_was_is_no_cut(face: Face) -> None:
    faces = [face, face, face, None, None, face, face, face]
    observations = [Observation(i, one, 0, 0.0, 0.0, 30.0 if i in (3, 5) else 1.0) for i, one in enumerate(faces)]
    assert find_cuts(observations) == []
    elsewhere = Face(face.points + np.array([60, 0, 0], np.float32), face.score)
    moved = [Observation(i, elsewhere if i > 4 else one, 0, 0.0, 0.0) for i, one in enumerate(faces)]
    assert find_cuts(moved) == [5]


def test_frames_that_are_missing_in_between_are_a_cut(face: Face) -> None:
    assert find_cuts([Observation(number, face, 0, 0.0, 0.0) for number in (3, 4, 5, 20, 21)]) == [3]


def test_boxes_are_exact_around_a_jump(frames: list[Frame], tmp_path: Path) -> None:
    """The head jumps by 60 pixels: the box of each frame is that of the same frame without the jump, moved."""
    wide = [np.pad(image, ((0, 0), (40, 80), (0, 0)), mode="edge") for image in frames]
    jumping = [*wide[:30], *(np.roll(image, 60, axis=1) for image in wide[30:])]
    plain, jumped = (
        prepare(write_recording(tmp_path / f"{name}.mp4", shown), tmp_path / name)
        for name, shown in (("plain", wide), ("jumping", jumping))
    )
    assert plain.summary["cuts"] == []
    assert jumped.summary["cuts"] == [30 / 25]
    assert [part["frames"] for part in jumped.summary["ranges"]] == [30, 30]
    expected, actual = (
        np.array([box.x for box in Template.open(preparation.folder).boxes]) for preparation in (plain, jumped)
    )
    assert np.abs(actual - expected - 60 * (np.arange(60) >= 30)).max() <= 3
    page = (jumped.folder / "report.html").read_text()
    assert "The recording jumps at 1 places (1.2 s)" in page
