"""Which frames are used, told from what was observed."""

import tracemalloc

import numpy as np
import pytest

from frame_generation_pipeline.prepare.cuts import find_cuts, find_scenes
from frame_generation_pipeline.prepare.observation import Observation, Observer
from frame_generation_pipeline.prepare.selection import Problem, find_problems, select
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.layout import to_110
from recordings import moved, portrait

SIDE = 360


@pytest.fixture(scope="module")
def face() -> Face:
    (face,) = FaceLandmarker().faces(portrait())
    return face


def seen(number: int, face: Face | None, sharpness: float = 100.0) -> Observation:
    return Observation(number, face, 0, sharpness if face else 0.0, 120.0 if face else 0.0)


def shifted(face: Face, x: float, scale: float = 1.0) -> Face:
    points = face.points * scale
    return Face(points + np.array([x, 0, 0], np.float32), face.score)


def lying(face: Face) -> Face:
    points = face.points[:, [1, 0, 2]] * np.array([-1, 1, 1], np.float32) + np.array([SIDE, 0, 0], np.float32)
    return Face(points, face.score)


def turned(face: Face, degrees: float) -> Face:
    middle = face.points.mean(axis=0)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return Face(((face.points - middle) @ turn.T + middle).astype(np.float32), face.score)


def test_every_problem_is_told(face: Face) -> None:
    observations = [
        seen(0, face),
        seen(1, None),
        seen(2, shifted(face, 200)),
        seen(3, shifted(face, 0, 0.15)),
        seen(4, turned(face, 75)),
        seen(5, face, sharpness=5.0),
        seen(6, lying(face)),
    ]
    problems = find_problems(observations, SIDE, SIDE)
    assert problems == [
        None,
        Problem.NO_FACE,
        Problem.CUT_OFF,
        Problem.TOO_SMALL,
        Problem.TURNED,
        Problem.BLURRED,
        Problem.LYING,
    ]


def test_a_box_may_leave_the_image_and_a_face_may_not(face: Face) -> None:
    box = CropBox.from_landmarks(to_110(face.points).astype(np.int32))
    chin = int(face.points[:, 1].max()) + 1
    assert chin < box.y + box.size
    assert find_problems([seen(0, face)], SIDE, chin) == [None]
    assert find_problems([seen(0, face)], SIDE, chin - box.size // 8) == [Problem.CUT_OFF]


@pytest.mark.parametrize(("gap", "parts"), [(10, [70]), (11, [30, 29])])
def test_short_gaps_are_bridged(face: Face, gap: int, parts: list[int]) -> None:
    moving = [shifted(face, index / 10) for index in range(70)]
    observations = [seen(i, None if 30 <= i < 30 + gap else moving[i]) for i in range(70)]
    ranges = select(observations, find_problems(observations, SIDE, SIDE), 25)
    assert [len(part) for part in ranges] == parts
    x = np.concatenate([part.landmarks[:, 31, 0] for part in ranges])
    np.testing.assert_allclose(np.diff(x[:30]), 0.1, atol=0.01)
    if gap == 10:
        np.testing.assert_allclose(np.diff(x), 0.1, atol=0.01)


def test_nothing_is_smoothed_or_bridged_across_a_cut(face: Face) -> None:
    moving = [shifted(face, index / 10 + (60 if index >= 30 else 0)) for index in range(70)]
    observations = [seen(index, None if 28 <= index < 33 else one) for index, one in enumerate(moving)]
    problems = find_problems(observations, 2 * SIDE, SIDE)
    ranges = select(observations, problems, 25, [30])
    assert [(part.first, len(part)) for part in ranges] == [(0, 28), (33, 37)]
    for part in ranges:
        np.testing.assert_allclose(part.landmarks, part.raw, atol=0.05)


def test_minutes_are_selected_in_little_memory(face: Face) -> None:
    """An hour is twenty times as much, and stays within 2 GB with the half that its observations take."""
    observations = [seen(index, shifted(face, index % 50 / 10)) for index in range(4500)]
    tracemalloc.start()
    try:
        problems = find_problems(observations, SIDE, SIDE, find_scenes(observations))
        (part,) = select(observations, problems, 25, find_cuts(observations))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(part) == 4500
    assert peak < 75e6


def test_gaps_at_the_ends_and_short_parts_are_left_out(face: Face) -> None:
    marks = [False] * 5 + [True] * 40 + [False] * 20 + [True] * 10 + [False] * 20
    observations = [seen(index, face if mark else None) for index, mark in enumerate(marks)]
    ranges = select(observations, find_problems(observations, SIDE, SIDE), 25)
    assert [(part.first, len(part)) for part in ranges] == [(5, 40)]


def test_records_keep_everything(face: Face) -> None:
    for observation in (Observation(7, face, 2, 33.0, 99.0), seen(8, None)):
        back = Observation.from_record(observation.to_record())
        assert (back.number, back.others, back.sharpness) == (
            observation.number,
            observation.others,
            observation.sharpness,
        )
        assert (back.face is None) == (observation.face is None)
        if back.face:
            np.testing.assert_array_equal(back.face.points, face.points)


def test_the_same_person_is_found_again() -> None:
    image = portrait()
    canvas = np.full((SIDE, 2 * SIDE, 3), 90, np.uint8)
    both = canvas.copy()
    canvas[:, :SIDE] = image
    both[:, :SIDE] = image
    both[:, SIDE:] = moved(image, 3)
    observer = Observer()
    first = observer.observe(0, canvas)
    assert observer.observe(1, np.full_like(canvas, 90)).face is None
    again = observer.observe(2, both)
    assert first.face is not None
    assert again.face is not None
    assert again.face.box[2] < SIDE
    assert again.others == 1
