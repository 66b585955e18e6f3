"""Find the cuts of an edited recording, across which no motion continues."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.prepare.observation import LEAST_CHANGE, LEAST_MOVE, Observation, distance
from frame_generation_pipeline.tracking.landmarker import Face

AROUND = 2  # frames on each side with which a jump is compared: a cut is one jump, a motion is several
HIGHER = 3.0  # factor by which a jump exceeds those around it


def find_cuts(observations: Sequence[Observation]) -> list[int]:
    """Find the indices of the frames after a cut, in order.

    At a cut the image changes while both frames show a face, or the face jumps, or frames are missing.
    """
    changes, moves = np.zeros(len(observations)), np.zeros(len(observations))
    last: Face | None = None
    before: Face | None = None
    for index, seen in enumerate(observations):
        if seen.face and last:
            moves[index] = distance(last, seen.face)
        if seen.face and before:
            changes[index] = seen.change
        before, last = seen.face, seen.face or last
    return [
        index
        for index in range(1, len(observations))
        if observations[index].number != observations[index - 1].number + 1
        or _stands_out(changes, index, LEAST_CHANGE)
        or _stands_out(moves, index, LEAST_MOVE)
    ]


def find_scenes(observations: Sequence[Observation]) -> list[int]:
    """Find the indices of the frames at which the whole image changes, with or without a face."""
    changes = np.array([seen.change for seen in observations])
    return [index for index in range(1, len(observations)) if _stands_out(changes, index, LEAST_CHANGE)]


def _stands_out(values: npt.NDArray[np.float64], index: int, least: float) -> bool:
    around = np.concatenate([values[max(index - AROUND, 0) : index], values[index + 1 : index + 1 + AROUND]])
    return bool(values[index] > max(least, HIGHER * around.max(initial=0.0)))
