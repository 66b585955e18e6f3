"""How loud a frame is: in decibels, and in integers that are the same everywhere."""

import numpy as np
import pytest

from frame_generation_pipeline.media.level import FULL_SCALE, LOWEST, energy, frame_levels, level, split_frames


def test_levels() -> None:
    assert level(np.zeros(640, np.float32)) == LOWEST
    assert level(np.full(640, 0.5, np.float32)) == LOWEST  # a mean makes no audio
    assert level(np.tile(np.array([0.1, -0.1], np.float32), 320)) == pytest.approx(-20, abs=1e-3)


def test_frames_of_pieces_and_a_last_one_that_is_short() -> None:
    samples = np.arange(1700, dtype=np.float32) / np.float32(1700)
    pieces = [samples[:100], samples[100:101], samples[101:]]
    assert [len(frame) for frame in split_frames(pieces, 25)] == [640, 640, 420]
    assert [len(frame) for frame in split_frames(pieces, 20)] == [800, 800, 100]
    np.testing.assert_array_equal(np.concatenate(list(split_frames(pieces, 25))), samples)
    assert list(frame_levels(pieces, 25)) == [level(frame) for frame in split_frames([samples], 25)]


def test_energy_is_the_variance_in_steps() -> None:
    samples = np.random.default_rng(0).normal(0.1, 0.05, 640).astype(np.float32)
    assert energy(samples) == pytest.approx(samples.astype(np.float64).var() * FULL_SCALE, rel=1e-4)
    assert energy(samples[:1]) == 0
    assert energy(np.tile(np.array([3e38, -3e38], np.float32), 10)) == FULL_SCALE  # what is beyond is clipped


def test_energy_rounds_halves_to_even_and_is_exact() -> None:
    steps = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 7], np.float64)
    samples = (steps / 65536).astype(np.float32)
    rounded = [0, 2, 2, 0, -2, 7]
    assert energy(samples) == float(6 * sum(q * q for q in rounded) - sum(rounded) ** 2) / 36.0
    longest = np.tile(np.array([1, -1], np.float32), 15_360)  # the longest block, at full scale, does not overflow
    assert energy(longest) == FULL_SCALE
