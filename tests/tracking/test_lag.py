"""How late lips come after others."""

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.tracking.lag import FEWEST_PAIRS, correlations, measure_lag, top, without_slow_part

FPS = 25


def openings(count: int, late: float = 0.0, seed: int = 0) -> npt.NDArray[np.float64]:
    """(count,) of lips that open and close at random, some four times a second, `late` frames later."""
    random = np.random.default_rng(seed)
    times = np.arange(count) - late
    waves = [(random.normal(), random.uniform(0.1, 1.0), random.uniform(0, 6.28)) for _ in range(40)]
    return np.asarray(0.02 * sum(size * np.sin(speed * times + begin) for size, speed, begin in waves) / np.sqrt(40))


@pytest.mark.parametrize("late", [-9.5, -3.0, -0.4, 0.0, 0.75, 5.0, 12.2])
def test_found_between_frames_in_noise(late: float) -> None:
    random = np.random.default_rng(1)
    output, truth = (openings(500, shift) + random.normal(0, 0.01, 500) for shift in (late, 0.0))
    lag = measure_lag(output, truth, FPS)
    assert lag is not None
    assert lag.milliseconds == pytest.approx(40 * late, abs=12)
    assert lag.low - 5 < 40 * late < lag.high + 5
    assert 5 < lag.high - lag.low < 50
    assert 0.4 < lag.correlation < 0.8
    assert lag.confidence > 5


def test_lips_that_say_something_else_stand_out_little() -> None:
    lags = [measure_lag(openings(500, seed=seed), openings(500, seed=seed + 100), FPS) for seed in range(20)]
    assert max(lag.confidence for lag in lags if lag) < 5
    assert len([lag for lag in lags if lag]) > 10


def test_frames_without_lips_count_for_nothing() -> None:
    output, truth = openings(600, 2.0), openings(600)
    truth[100:250] = np.nan
    output[400:420] = np.nan
    lag = measure_lag(output, truth, FPS)
    assert lag is not None
    assert lag.milliseconds == pytest.approx(80, abs=4)
    assert lag.correlation == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("count", [0, 30, 120])
def test_too_short_to_tell(count: int) -> None:
    assert measure_lag(openings(count), openings(count), FPS) is None


@pytest.mark.parametrize("late", [-20.0, 17.0])
def test_a_lag_beyond_what_is_looked_at_is_not_taken_for_one(late: float) -> None:
    lag = measure_lag(openings(500, late), openings(500), FPS)
    assert lag is None or lag.confidence < 5


def test_lips_that_do_not_move_tell_nothing() -> None:
    assert measure_lag(openings(500), np.zeros(500), FPS) is None
    assert measure_lag(openings(500), np.full(500, np.nan), FPS) is None


def test_what_is_slow_is_taken_out() -> None:
    times = np.arange(500.0)
    quick, smile = openings(500), 0.2 * np.sin(times / 80)
    quick[200:210] = np.nan
    fast_part = without_slow_part(quick + smile, FPS)
    assert np.flatnonzero(np.isnan(fast_part)).tolist() == list(range(200, 210))
    known = np.isfinite(fast_part)
    assert np.corrcoef(fast_part[known], smile[known])[0, 1] == pytest.approx(0, abs=0.1)
    assert np.corrcoef(fast_part[known], quick[known])[0, 1] > 0.7
    assert without_slow_part(quick[:3], FPS).shape == (3,)


def test_correlations_are_pearsons() -> None:
    output, truth = openings(80, 1.0), openings(80)
    actual = correlations(output, truth, [-3, 0, 2, 80 - FEWEST_PAIRS + 1])
    assert actual[0] == pytest.approx(np.corrcoef(output[:-3], truth[3:])[0, 1])
    assert actual[1] == pytest.approx(np.corrcoef(output, truth)[0, 1])
    assert actual[2] == pytest.approx(np.corrcoef(output[2:], truth[:-2])[0, 1])
    assert np.isnan(actual[3])


def test_the_top_of_a_parabola() -> None:
    places = np.arange(7)
    assert top(np.asarray(-((places - 3.3) ** 2), np.float64)) == pytest.approx(3.3)
    assert top(places.astype(float)) == 6
