"""The gate by itself: what it calls silence, what it fades, and that pieces change nothing."""

from itertools import islice

import numpy as np
import pytest

from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.gate import (
    AFTER,
    AHEAD,
    FADE,
    LOWEST,
    Gate,
    LevelStream,
    RestStream,
    rest_shares,
    rested,
    silence_window,
)
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.spec import AVE, WENET, WHISPER
from samples import draw

LOUD, BETWEEN, QUIET = -20.0, -42.0, -60.0


def shares(levels: list[float]) -> list[float]:
    stream = RestStream(Gate())
    return stream.push(levels) + stream.flush(AHEAD)


def sound(levels: list[float]) -> np.ndarray:
    """Noise of these levels, a frame each."""
    return np.concatenate([10 ** (level / 20) * draw(f"{i}", (640,)) for i, level in enumerate(levels)])


def test_rest_ends_before_speech_and_begins_after_it() -> None:
    found = shares([QUIET] * 20 + [LOUD] * 5 + [QUIET] * 20)
    assert len(found) == 45
    free = 20 - AHEAD + FADE - 1
    assert found[: 20 - AHEAD] == [1] * (20 - AHEAD)
    assert found[20 - AHEAD : free] == [0.75, 0.5, 0.25]
    assert free == 16  # 0.16 s before anything is heard
    assert found[free : 25 + AFTER] == [0] * (25 + AFTER - free)
    assert found[25 + AFTER :] == [0.25, 0.5, 0.75] + [1] * (20 - AFTER - FADE + 1)


def test_short_silences_are_speech() -> None:
    shortest = AFTER + AHEAD + 1
    assert not any(shares([LOUD] * 5 + [QUIET] * (shortest - 1) + [LOUD] * 5))
    assert max(shares([LOUD] * 5 + [QUIET] * shortest + [LOUD] * 5)) == 1 / FADE


def test_hysteresis() -> None:
    assert not any(shares([LOUD] * 3 + [BETWEEN] * 30 + [LOUD] * 3))
    assert shares([QUIET] * 3 + [BETWEEN] * 30) == [1] * 33
    assert max(shares([LOUD] * 3 + [BETWEEN] * 5 + [QUIET] + [BETWEEN] * 30)) == 1
    changing = [BETWEEN + 1.9 * (-1) ** i for i in range(60)]  # noise about the thresholds opens and shuts nothing
    assert len(set(shares(changing))) == 1


def test_levels() -> None:
    stream = LevelStream(AVE)
    assert stream.push(np.zeros(640, np.float32)) == [LOWEST]
    assert stream.push(np.full(640, 0.5, np.float32)) == [LOWEST]  # a mean makes no sound
    (level,) = stream.push(np.tile(np.array([0.1, -0.1], np.float32), 320))
    assert level == pytest.approx(-20, abs=1e-3)
    assert stream.flush() == []
    assert len(LevelStream(WENET).push(np.zeros(1600, np.float32))) == 2


@pytest.mark.parametrize("size", [1, 37, 640, 100_000])
def test_pieces_change_nothing(size: int) -> None:
    levels = [QUIET] * 14 + [LOUD] * 6 + [QUIET] * 20 + [BETWEEN] * 3
    samples = sound(levels)[:-200]
    expected = list(islice(rest_shares([samples], Gate(), AVE), len(levels)))
    assert 0 < sum(expected) < len(levels)
    stream, heard = RestStream(Gate()), LevelStream(AVE)
    found: list[float] = []
    for start in range(0, len(samples), size):
        found += stream.push(heard.push(samples[start : start + size]))
    found += stream.push(heard.flush())
    found += stream.flush(len(levels) - len(found))
    assert found == expected


def test_windows_fade() -> None:
    window, rest = draw("window", (16, 4)), draw("rest", (16, 4))
    assert rested(window, rest, 0) is window
    np.testing.assert_array_equal(rested(window, rest, 1), rest)
    np.testing.assert_allclose(rested(window, rest, 0.25), 0.75 * window + 0.25 * rest, rtol=1e-6)
    assert rested(window, rest, 0.25).dtype == np.float32


def test_window_of_silence() -> None:
    program = builtin_encoder(WHISPER)
    assert program is not None
    window = silence_window(program)
    assert window.shape == (16, 256)
    assert window.any()
    np.testing.assert_array_equal(window, silence_window(program))


@pytest.mark.parametrize(("silence", "speech"), [(-40, -45), (-300, -40), (-40, 3), (float("nan"), -40)])
def test_impossible_thresholds(silence: float, speech: float) -> None:
    with pytest.raises(OptionError, match="the lower one"):
        Gate(silence, speech)
