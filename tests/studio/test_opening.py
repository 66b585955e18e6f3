"""What tells the presenter's lips from features."""

import numpy as np
import pytest

from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.prepare.expected_openings import expected_openings
from frame_generation_pipeline.spec import WHISPER
from frame_generation_pipeline.weights import PRESENTER_OPENING
from studio.opening import COMPONENTS, fit, opening
from studio.presenter.phones import SILENCE, Phone
from studio.presenter.visemes import articulate


def test_a_linear_opening_is_learned() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(4000, 256)).astype(np.float32)
    weights = random.normal(size=(16, COMPONENTS))
    openings = expected_openings(values, weights)
    learned = fit(values, 0.3 + 0.1 * openings)
    assert learned.shape == weights.shape
    fresh = random.normal(size=(500, 256)).astype(np.float32)
    assert np.corrcoef(expected_openings(fresh, learned), expected_openings(fresh, weights))[0, 1] > 0.97
    assert expected_openings(fresh, learned).std() == pytest.approx(1, abs=0.1)


def test_what_is_expected_is_a_sum_over_the_window() -> None:
    values = np.random.default_rng(1).normal(size=(30, 256)).astype(np.float32)
    weights = np.load(PRESENTER_OPENING)
    assert weights.shape == (16, COMPONENTS)
    openings = expected_openings(values)
    for index in (0, 5, 15, 29):
        window = feature_window(values, index, WHISPER)[:, :COMPONENTS]
        assert openings[index] == pytest.approx(float((window * weights.astype(np.float64)).sum()), rel=1e-6)


def test_lips_are_apart_for_vowels_and_closed_for_p_and_silence() -> None:
    phones = [Phone(SILENCE, 0.0, 0.6), Phone("aa", 0.6, 0.8, 1), Phone("p", 0.8, 0.88), Phone("iy", 0.88, 1.1)]
    rest, wide, closed, narrow = opening(articulate(phones, np.array([0.3, 0.7, 0.82, 1.0])))
    assert rest == closed == 0
    assert wide > 2 * narrow > 0
