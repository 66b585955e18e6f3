"""The gate by itself: what it calls silence, what it fades, and that pieces change nothing."""

from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.gate import (
    FADE,
    FLOOR_FRAMES,
    RELATIVE_GATE,
    SHORTEST_SILENCE,
    USUAL_THRESHOLD,
    Gate,
    LiveRests,
    RestStream,
    SpeechGate,
    rest_shares,
    rested,
    silence_window,
)
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.level import FULL_SCALE, SILENCE
from frame_generation_pipeline.spec import AVE, SAMPLE_RATE, STREAMING, WENET, WHISPER, AudioSpec
from samples import draw

LOUD, BETWEEN, QUIET = -20.0, -42.0, -60.0


def detected(levels: list[float], gate: SpeechGate) -> list[bool]:
    """Whether somebody speaks in each frame of noise of these levels."""
    speaks = gate.detector()
    return [speaks(frame) for frame in audio(levels).reshape(-1, 640)]


def shares(levels: list[float], spec: AudioSpec = WHISPER) -> list[float]:
    stream = RestStream(spec)
    return stream.push(detected(levels, Gate())) + stream.flush(spec.ahead)


def audio(levels: list[float]) -> Samples:
    """Noise of these levels, a frame each."""
    frames = [draw(f"{i}", (640,)) for i in range(len(levels))]
    return np.concatenate([10 ** (level / 20) * f / f.std() for level, f in zip(levels, frames, strict=True)]).astype(
        np.float32
    )


def noise(level: float, seconds: float) -> Samples:
    """White noise of this level in dB."""
    samples = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))
    return (10 ** (level / 20) * samples).astype(np.float32)


def syllables(level: float, seconds: float) -> Samples:
    """A voice of this level: a syllable of 0.2 s every 0.25 s, and half a second of nothing every two seconds."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 20))
    shape = np.maximum(0, np.sin(2 * np.pi * 4 * time)) ** 0.5 * (time % 2.0 < 1.5)
    spoken = voice * shape
    return np.asarray(10 ** (level / 20) * spoken / spoken.std(), np.float32)


def speaking(samples: Samples, gate: SpeechGate = RELATIVE_GATE) -> npt.NDArray[np.bool_]:
    """Which frames do not rest entirely."""
    count = len(samples) // 640
    return np.array(list(islice(rest_shares([samples], gate, WHISPER), count))) < 1


@pytest.mark.parametrize(("spec", "ahead", "after"), [(WHISPER, 7, 2), (AVE, 7, 2), (STREAMING, 3, 6)])
def test_rest_ends_before_speech_and_begins_after_it(spec: AudioSpec, ahead: int, after: int) -> None:
    rests = shares([QUIET] * 20 + [LOUD] * 5 + [QUIET] * 20, spec)
    assert len(rests) == 45
    free = 20 - ahead + FADE - 1  # the first frame that speaks entirely
    assert free <= 20  # in which somebody speaks
    assert rests[: 20 - ahead] == [1] * (20 - ahead)
    assert rests[20 - ahead : free] == [0.75, 0.5, 0.25]
    assert rests[free : 25 + after] == [0] * (25 + after - free)
    assert rests[25 + after :] == [0.25, 0.5, 0.75] + [1] * (20 - after - FADE + 1)


@pytest.mark.parametrize("spec", [WHISPER, STREAMING])
def test_short_silences_are_speech(spec: AudioSpec) -> None:
    assert not any(shares([LOUD] * 5 + [QUIET] * (SHORTEST_SILENCE - 1) + [LOUD] * 5, spec))
    assert max(shares([LOUD] * 5 + [QUIET] * SHORTEST_SILENCE + [LOUD] * 5, spec)) == 1 / FADE


@pytest.mark.parametrize("spec", [WHISPER, STREAMING])
def test_a_frame_waits_for_no_audio_beyond_its_window(spec: AudioSpec) -> None:
    rests = LiveRests(Gate(), spec)
    given = [len(rests.push(frame)) for frame in audio([QUIET] * 20).reshape(20, 640)]
    assert given == [0] * spec.ahead + [1] * (20 - spec.ahead)


def test_hysteresis() -> None:
    assert not any(shares([LOUD] * 3 + [BETWEEN] * 30 + [LOUD] * 3))
    assert shares([QUIET] * 3 + [BETWEEN] * 30) == [1] * 33
    assert max(shares([LOUD] * 3 + [BETWEEN] * 5 + [QUIET] + [BETWEEN] * 30)) == 1
    changing = [BETWEEN + 1.9 * (-1) ** i for i in range(60)]  # noise about the thresholds opens and shuts nothing
    assert len(set(shares(changing))) == 1


@pytest.mark.parametrize(
    ("speech", "room"), [(-20.0, -60.0), (-20.0, -36.0), (-45.0, -70.0), (-45.0, None), (-55.0, -80.0)]
)
def test_speech_moves_the_mouth_at_any_level(speech: float, room: float | None) -> None:
    lead = np.zeros(SAMPLE_RATE, np.float32)
    samples = np.concatenate([lead, syllables(speech, 12), lead, lead])
    if room is not None:
        samples += noise(room, len(samples) / SAMPLE_RATE)
    moves = speaking(samples)
    within = np.concatenate([moves[25 + 50 * k :][3:34] for k in range(2 if (room or -99) > -40 else 0, 6)])
    assert within.mean() > 0.95  # while somebody speaks
    assert not moves[-25:].any()  # a second after the last word


@pytest.mark.parametrize("level", [-70.0, -54.0, -44.0])
@pytest.mark.parametrize("zeros", [0, 1600])
def test_noise_alone_is_no_speech(level: float, zeros: int) -> None:
    assert not speaking(np.concatenate([np.zeros(zeros, np.float32), noise(level, 12)])).any()


def test_loud_noise_is_no_speech_once_the_room_is_known() -> None:
    assert speaking(noise(-30, 12), Gate()).all()  # with fixed thresholds the mouth never rests
    moves = speaking(noise(-30, 12))
    assert not moves[FLOOR_FRAMES + SHORTEST_SILENCE :].any()


def test_a_bang_does_not_silence_a_quiet_voice() -> None:
    samples = np.concatenate([noise(-70, 1), noise(-5, 0.1), noise(-70, 1), syllables(-45, 6) + noise(-70, 6)])
    moves = speaking(samples)
    assert moves[53:90].all()
    assert moves[-140:].mean() > 0.7


def test_speech_at_a_usual_level_is_told_as_by_fixed_thresholds() -> None:
    samples = np.concatenate([noise(-60, 1), syllables(-16, 6) + noise(-60, 6), noise(-60, 1)])
    np.testing.assert_array_equal(speaking(samples), speaking(samples, Gate()))


def test_the_measure_is_the_one_of_the_format() -> None:
    """docs/avatar.md, in plain Python: what a host in another language does, to the bit."""
    samples = syllables(-42, 9) + noise(-62, 9)
    expected, floors, own, speaks = [], [], 0.0, False
    for start in range(0, len(samples), 640):
        steps = [round(min(max(float(x), -1.0), 1.0) * 65536) for x in samples[start : start + 640]]
        n, total = len(steps), sum(steps)
        e = float(n * sum(q * q for q in steps) - total * total) / float(n * n)
        floors.append(e if e >= 16 else 2710.0)
        recent = sorted(floors[-100:])
        threshold = 429497.0
        if len(recent) >= 3:
            threshold = min(max(16 * recent[2], own / 128), 429497.0)
        if len(recent) == 100:
            threshold = max(threshold, 8 * recent[2])
        speaks = e >= (0.3125 * threshold if speaks else threshold)
        if speaks:
            own = own * (1.125 if e > own else 0.96875) if own else min(e, 429497.0)
        expected.append(speaks)
    assert 0.2 < np.mean(expected) < 0.8
    detector = RELATIVE_GATE.detector()
    assert [detector(samples[start : start + 640]) for start in range(0, len(samples), 640)] == expected


def test_the_usual_threshold_is_that_of_fixed_gates() -> None:
    assert 10 * np.log10(USUAL_THRESHOLD / FULL_SCALE) == pytest.approx(Gate().speech, abs=1e-4)
    assert Gate().silence == SILENCE


@pytest.mark.parametrize("gate", [Gate(), RELATIVE_GATE])
@pytest.mark.parametrize("spec", [AVE, WENET, STREAMING])
@pytest.mark.parametrize("size", [1, 37, 640, 100_000])
def test_pieces_change_nothing(size: int, gate: SpeechGate, spec: AudioSpec) -> None:
    levels = [QUIET] * 14 + [LOUD] * 6 + [QUIET] * 20 + [BETWEEN] * 3
    samples = audio(levels)[:-200]
    count = -(-len(samples) * spec.fps // SAMPLE_RATE)
    expected = list(islice(rest_shares([samples], gate, spec), count))
    assert 0 < sum(expected) < count
    stream = LiveRests(gate, spec)
    rests: list[float] = []
    for start in range(0, len(samples), size):
        rests += stream.push(samples[start : start + size])
    rests += stream.flush()
    rests += stream.missing(count - len(rests))
    assert rests == expected
    assert stream.speech > 0


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
