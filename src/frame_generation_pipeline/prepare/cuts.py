"""Find where a recording jumps, as edited ones do: no motion goes on across a cut."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.prepare.observation import LEAST_CHANGE, LEAST_MOVE, Observation, distance
from frame_generation_pipeline.tracking.landmarker import Face

AROUND = 2  # frames on either side that a jump is compared with: a cut is one jump, whatever moves is several
HIGHER = 3.0  # times those around it


def find_cuts(observations: Sequence[Observation]) -> list[int]:
    """Indices of the frames that follow a cut, in order.

    The image is another one though both show a face, the face is somewhere else than when it was seen last, or frames
    are missing in between.
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
    """Indices of the frames from which on the whole image is another one, whether they show a face or not."""
    changes = np.array([seen.change for seen in observations])
    return [index for index in range(1, len(observations)) if _stands_out(changes, index, LEAST_CHANGE)]


def _stands_out(values: npt.NDArray[np.float64], index: int, least: float) -> bool:
    around = np.concatenate([values[max(index - AROUND, 0) : index], values[index + 1 : index + 1 + AROUND]])
    return bool(values[index] > max(least, HIGHER * around.max(initial=0.0)))
