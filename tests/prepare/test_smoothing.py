"""Noise goes, motion stays, and in its time."""

import numpy as np
import pytest

from frame_generation_pipeline.prepare.smoothing import BOX_POINTS, jitter, motion, smooth, smooth_landmarks


def test_parabolas_are_kept_to_their_ends() -> None:
    time = np.arange(20.0)
    values = np.stack([3 + 2 * time - 0.1 * time**2, np.full(20, 7.0)], axis=1)
    np.testing.assert_allclose(smooth(values, 4), values, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_frames(count: int) -> None:
    values = np.arange(count * 2.0).reshape(count, 2)
    np.testing.assert_allclose(smooth(values, 4), values, atol=1e-9)


def test_noise_goes_without_lag() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(200)
    truth = 100 + 20 * np.sin(time / 12)
    landmarks = np.repeat(truth[:, None, None], 110, axis=1).repeat(2, axis=2)
    noisy = (landmarks + rng.normal(0, 1, landmarks.shape)).astype(np.float32)
    smoothed = smooth_landmarks(noisy)
    assert np.abs(smoothed - landmarks).mean() < 0.7 * np.abs(noisy - landmarks).mean()
    box = list(BOX_POINTS)
    assert jitter(smoothed[:, box]) < 0.25 * jitter(noisy[:, box])
    middle = smoothed[:, box].mean(axis=(1, 2))
    errors = {lag: np.abs(middle[10 + lag : 190 + lag] - truth[10:190]).mean() for lag in range(-3, 4)}
    assert min(errors, key=lambda lag: errors[lag]) == 0


def test_one_odd_frame_is_not_followed() -> None:
    landmarks = np.full((30, 110, 2), 50, np.float32)
    landmarks[15] += 40
    assert np.abs(smooth_landmarks(landmarks) - 50).max() < 1e-3


def test_figures() -> None:
    even = np.stack([np.arange(5.0), np.zeros(5)], axis=1)[:, None]
    assert motion(even) == 1
    assert jitter(even) == 0
    assert jitter(even[:2]) == 0
    assert motion(even[:1]) == 0


def test_every_frame_has_its_own_parabolas_value() -> None:
    values = np.random.default_rng(3).normal(0, 5, (23, 2, 2))
    smoothed = smooth(values, 4)
    for index in range(23):
        around = np.arange(max(index - 4, 0), min(index + 5, 23))
        for point in range(2):
            for axis in range(2):
                parabola = np.polyfit(around - index, values[around, point, axis], 2)
                assert smoothed[index, point, axis] == pytest.approx(parabola[-1], abs=1e-9)
