"""How far the presenter's lips would open for a speech, told from its audio features alone.

It is a linear map of the sixteen features around a frame, fitted by `studio/opening.py` to what the rules of her mouth
shapes make of synthetic speech by many voices. It costs next to nothing, so that an hour of speech can be looked at.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Features
from frame_generation_pipeline.spec import WINDOW, WINDOW_BEFORE
from frame_generation_pipeline.weights import PRESENTER_OPENING

Weights = npt.NDArray[np.floating]  # (16, k): what each of the first k values of each feature of a window adds


def expected_openings(values: Features, weights: Weights | None = None) -> npt.NDArray[np.float64]:
    """`whisper` features (N, 256) -> the lips' opening in each frame, (N,), in standard deviations of it.

    Its zero is arbitrary. weights: by default those that come with the package.
    """
    weights = _builtin() if weights is None else weights.astype(np.float64)
    parts = values[:, : weights.shape[1]].astype(np.float64) @ weights.T
    padded = np.pad(parts, ((WINDOW_BEFORE, WINDOW - WINDOW_BEFORE - 1), (0, 0)))
    return np.asarray(sum(padded[place : place + len(values), place] for place in range(WINDOW)))


@cache
def _builtin() -> Weights:
    return np.asarray(np.load(PRESENTER_OPENING), np.float64)
