"""Select the frames of a recording for a template, and compute their landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.prepare.covered import covered
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.prepare.smoothing import smooth_landmarks
from frame_generation_pipeline.template.crop_box import SMALLEST_BOX, CropBox
from frame_generation_pipeline.template.landmarks import LANDMARKS
from frame_generation_pipeline.tracking.landmarker import Face
from frame_generation_pipeline.tracking.layout import to_110
from frame_generation_pipeline.tracking.lips import roll, yaw

LONGEST_GAP = 0.4  # seconds; longer gaps are left out
SHORTEST_RANGE = 1.0  # seconds; a shorter range between two gaps is left out too
MOST_TURNED = 35.0  # degrees by `lips.yaw`, which are about 45 in reality
MOST_ROLLED = 50.0  # degrees; largest tilt of a head to a shoulder
LEAST_SHARP = 0.15  # of the recording's median sharpness
UNSEEN_EDGE = 0.02  # of the box's side; how far a point may be beyond the image, because the mesh is not exact
SMALL_BOX = 100  # pixels; smaller faces are usable but have little detail
AT_ONCE = 1000  # faces whose landmarks are computed at once, in about 50 MB


class Problem(StrEnum):
    """The reason why a frame is not used as it is."""

    NO_FACE = "no face"
    CUT_OFF = "face cut off"
    TOO_SMALL = "face too small"
    LYING = "face lies on its side"
    TURNED = "turned away"
    COVERED = "mouth covered"
    BLURRED = "blurred"
    NO_AUDIO = "without audio"  # at an end of a recording whose audio was moved


@dataclass(frozen=True, eq=False)
class Range:
    """Consecutive frames of a recording that are used."""

    first: int  # index of the first frame among the observed ones
    raw: npt.NDArray[np.float32]  # (n, 110, 2) pixels: landmarks with gaps filled
    landmarks: npt.NDArray[np.float32]  # (n, 110, 2) pixels: without jitter

    def __len__(self) -> int:
        return len(self.raw)


def find_problems(
    observations: Sequence[Observation], width: int, height: int, scenes: Sequence[int] = ()
) -> list[Problem | None]:
    """Find the problem of each frame of a recording of `width` x `height` pixels, or None.

    scenes: indices of frames at which the whole image changes; colours are not compared across them.
    """
    sharp = [observation.sharpness for observation in observations if observation.face]
    least = LEAST_SHARP * float(np.median(sharp)) if sharp else 0.0
    landmarks = _landmarks([observation.face for observation in observations if observation.face])
    placed = iter(landmarks.astype(np.int32))
    problems = [
        _problem(observation.face, next(placed), observation.sharpness < least, width, height)
        if observation.face
        else Problem.NO_FACE
        for observation in observations
    ]
    good = [index for index, problem in enumerate(problems) if problem is None]
    hidden = covered([observations[index].mouth for index in good], np.searchsorted(good, scenes).tolist())
    for index in np.flatnonzero(hidden):
        problems[good[index]] = Problem.COVERED
    return problems


def select(
    observations: Sequence[Observation], problems: Sequence[Problem | None], fps: int, cuts: Sequence[int] = ()
) -> list[Range]:
    """The ranges of frames that are used, each at least a second long; short gaps in them are filled in,
    but for frames whose mouth is covered.

    cuts: indices of frames at which another range begins, so that nothing is smoothed or filled in across.
    """
    ranges = []
    shortest = min(SHORTEST_RANGE * fps, len(observations))
    hidden = [problem is Problem.COVERED for problem in problems]
    edges = [index for index in range(1, len(hidden)) if hidden[index] != hidden[index - 1]]
    for begin, end in pairwise(sorted({0, *cuts, *edges, len(observations)})):
        good = [problem is None for problem in problems[begin:end]]
        position = 0
        for is_usable, run in groupby(_bridged(good, LONGEST_GAP * fps)):
            length = len(list(run))
            if is_usable and length >= shortest:
                part = slice(position, position + length)
                ranges.append(_range(begin + position, observations[begin:end][part], good[part]))
            position += length
    return ranges


def _bridged(good: Sequence[bool], longest: float) -> list[bool]:
    """Fill gaps of up to `longest` frames between good frames."""
    usable = list(good)
    position = 0
    for is_good, run in groupby(good):
        length = len(list(run))
        inside = position > 0 and position + length < len(good)
        if not is_good and inside and length <= longest:
            usable[position : position + length] = [True] * length
        position += length
    return usable


def _problem(face: Face, landmarks: npt.NDArray[np.int32], blurred: bool, width: int, height: int) -> Problem | None:
    if abs(roll(face.points)) > MOST_ROLLED:
        return Problem.LYING
    box = CropBox.from_landmarks(landmarks)
    if box.size < SMALLEST_BOX:
        return Problem.TOO_SMALL
    if _cut_off(face, box, width, height):
        return Problem.CUT_OFF
    if abs(yaw(face.points)) > MOST_TURNED:
        return Problem.TURNED
    return Problem.BLURRED if blurred else None


def _landmarks(faces: Sequence[Face]) -> npt.NDArray[np.float32]:
    """The landmarks (n, 110, 2) float32 of each face, in pixels."""
    parts = (faces[begin : begin + AT_ONCE] for begin in range(0, len(faces), AT_ONCE))
    placed = [to_110(np.stack([face.points for face in part])) for part in parts]
    return np.concatenate([np.empty((0, LANDMARKS, 2), np.float32), *placed])


def _cut_off(face: Face, box: CropBox, width: int, height: int) -> bool:
    """Whether a part of the face is beyond the image; only the crop box may reach beyond it."""
    if box.problem(width, height):
        return True
    x, y = face.points[:, 0], face.points[:, 1]
    in_box = (x >= box.x) & (x <= box.x + box.size) & (y >= box.y) & (y <= box.y + box.size)
    allowed = UNSEEN_EDGE * box.size
    outside = (x < -allowed) | (y < -allowed) | (x > width + allowed) | (y > height + allowed)
    return bool((in_box & outside).any())


def _range(first: int, observations: Sequence[Observation], good: Sequence[bool]) -> Range:
    """Landmarks of a range that begins and ends with good frames; the others' are between these."""
    known = np.flatnonzero(good)
    faces = [observation.face for observation, is_good in zip(observations, good, strict=True) if is_good]
    points = _landmarks([face for face in faces if face])
    everywhere = np.arange(len(good))
    raw = np.empty((len(good), *points.shape[1:]), np.float32)
    columns = raw.reshape(len(good), -1)
    for index, column in enumerate(points.reshape(len(known), -1).T):
        columns[:, index] = np.interp(everywhere, known, column)
    return Range(first, raw, smooth_landmarks(raw))
