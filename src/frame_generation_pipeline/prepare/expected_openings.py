"""Predict the opening of the presenter's lips for a speech from its features alone.

The prediction is a linear map of the sixteen features around a frame. `studio/opening.py` fitted it to the openings
that the rules of her mouth shapes give for synthetic speech of many voices. It is fast enough for an hour of speech.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Features
from frame_generation_pipeline.spec import WHISPER, WINDOW
from frame_generation_pipeline.weights import PRESENTER_OPENING

Weights = npt.NDArray[np.floating]  # (16, k): weights of the first k values of each feature of a window


def expected_openings(values: Features, weights: Weights | None = None) -> npt.NDArray[np.float64]:
    """Predict the opening of the lips (N,) from `whisper` features (N, 256), in its standard deviations.

    Its zero is arbitrary. weights: by default the built-in ones.
    """
    weights = _builtin() if weights is None else weights.astype(np.float64)
    parts = values[:, : weights.shape[1]].astype(np.float64) @ weights.T
    padded = np.pad(parts, ((WHISPER.before, WHISPER.ahead), (0, 0)))
    return np.asarray(sum(padded[place : place + len(values), place] for place in range(WINDOW)))


@cache
def _builtin() -> Weights:
    return np.asarray(np.load(PRESENTER_OPENING), np.float64)
