"""Of a long recording fewer frames are learned from, and none of its kinds is lost."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.train.spread import choose_spread


def recording(frames: int, rare: int) -> npt.NDArray[Any]:
    """A head that hardly moves, but for the last `rare` frames, in which it is turned; (n, 6)."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (frames, 6))
    values[-rare:, :3] += 12
    return values


def test_what_is_rare_is_kept() -> None:
    values = recording(5000, 100)
    chosen = choose_spread(values, 500)
    assert 450 < len(chosen) <= 500
    assert np.all(np.diff(chosen) > 0)
    assert (chosen >= 4900).sum() > 40  # a fiftieth of the recording, a tenth of what is kept
    assert np.histogram(chosen, 10, (0, 4900))[0].min() > 20  # and all of its time


@pytest.mark.parametrize("pairs", [False, True])
def test_never_more_than_wanted(pairs: bool) -> None:
    values = recording(3000, 60)
    chosen = choose_spread(values, 100, pairs=pairs)
    assert 60 < len(chosen) <= 100
    if pairs:
        assert np.isin(chosen + 1, chosen).sum() >= len(chosen) // 2


def test_frames_that_are_all_alike() -> None:
    assert len(choose_spread(np.ones((300, 8)), 100)) == 100
