"""Resample audio to the rate at which features are computed."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import soxr

from frame_generation_pipeline.spec import SAMPLE_RATE


def resampled(blocks: Iterable[npt.NDArray[np.float32]], rate: int) -> Iterator[npt.NDArray[np.float32]]:
    """Resample mono blocks (k,) float32 at `rate` Hz to blocks (k,), k > 0, at 16 kHz, with soxr HQ.

    Audio at 16 kHz is not changed. The result has as many samples as that of `librosa.resample`.
    """
    if rate == SAMPLE_RATE:
        yield from (block for block in blocks if len(block))
        return
    resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    taken = given = 0
    for block in blocks:
        taken += len(block)
        if len(block) and len(done := resampler.resample_chunk(block)):
            given += len(done)
            yield done
    if not taken:
        return
    done = resampler.resample_chunk(np.empty(0, np.float32), last=True)
    # librosa rounds the length up and appends a zero; soxr rounds it to the nearest.
    missing = math.ceil(taken * (SAMPLE_RATE / rate)) - given - len(done)
    done = np.pad(done, (0, max(missing, 0)))
    if len(done):
        yield done
