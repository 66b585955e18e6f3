"""Weights of samples by how wide the mouth is open."""

import numpy as np
import pytest

from frame_generation_pipeline.train.opening_weights import opening_weights


@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_weights_are_one_in_the_mean(share: float) -> None:
    openings = np.random.default_rng(0).exponential(size=200).round(2)
    assert opening_weights(openings, openings, share).mean() == pytest.approx(1, abs=1e-5)


def test_unusual_openings_weigh_more() -> None:
    openings = np.arange(101.0)
    closed, usual, open_ = opening_weights(openings, np.array([0.0, 50.0, 100.0]), 0.7)
    assert closed == open_ == pytest.approx(1 + 0.7 * 2, abs=0.05)
    assert usual == pytest.approx(0.3)
    assert opening_weights(np.ones(5), np.ones(2), 0.7).tolist() == [1, 1]


def test_the_weighed_median_spreads_as_the_openings_do() -> None:
    rng = np.random.default_rng(0)
    possible = 0.4 + np.sqrt(1 - 0.4**2) * np.sort(rng.normal(size=2001))  # what audio leaves, one deviation up
    weights = opening_weights(rng.normal(size=5000), possible, 0.7).cumsum()
    assert possible[1000] == pytest.approx(0.4, abs=0.05)
    assert possible[np.searchsorted(weights, weights[-1] / 2)] == pytest.approx(0.85, abs=0.1)
