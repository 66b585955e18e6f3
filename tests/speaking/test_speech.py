import logging
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.audio.gate import FIXED_GATE, RELATIVE_GATE, SpeechGate
from frame_generation_pipeline.errors import AudioError, FeatureError, MissingFileError, OptionError
from frame_generation_pipeline.speaking.audio_front_end import AudioFrontEnd
from frame_generation_pipeline.speaking.speech import plan_speech
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import AVE, HUBERT, WENET, WHISPER, AudioSpec
from samples import draw, write_wav


class LoudnessProgram:
    """An audio program whose features say how loud each window is, so that tests see which window it was."""

    spec: AudioSpec = AVE

    def features(self, samples: Samples, first: int, count: int) -> Features:
        samples = np.pad(samples, (0, max(3000 - len(samples), 0)))
        columns = len(samples) // 200 + 1
        windows = int((columns - 16) / 80 * 25) + 2
        starts = [min(16 * i // 5, columns - 16) for i in range(first, min(first + count, windows))]
        loudness = [np.abs(samples[max(200 * start, 0) : 200 * (start + 15)]).mean() for start in starts]
        return np.repeat(np.array(loudness, np.float32)[:, np.newaxis], AVE.feature_size, axis=1)


NO_ENCODER, FRONT_END = AudioFrontEnd(AVE), AudioFrontEnd(AVE, LoudnessProgram())


def test_features_alone_give_a_frame_each(features_path: Path) -> None:
    speech = plan_speech(NO_ENCODER, features_path=features_path)
    windows = list(speech.windows())
    assert (speech.count, len(windows), speech.audio_path) == (8, 8, None)
    values = np.load(features_path)
    for index, window in enumerate(windows):
        np.testing.assert_array_equal(window, feature_window(values, index, AVE))
    assert len(list(speech.windows())) == 8  # they can be had again


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.18, 0.2, 1.0, 1.019, 1.021, 1.04, 3.4])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_image_is_as_long_as_the_audio(tmp_path: Path, seconds: float, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", seconds, rate)
    speech = plan_speech(FRONT_END, audio_path=path)
    assert speech.count == max(1, round(seconds * 25))
    assert len(list(speech.windows())) == speech.count


def test_features_longer_or_shorter_than_the_audio(
    tmp_path: Path, features_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    longer = plan_speech(NO_ENCODER, features_path=features_path, audio_path=write_wav(tmp_path / "a.wav", 0.2))
    assert (longer.count, caplog.records) == (8, [])
    shorter = plan_speech(NO_ENCODER, features_path=features_path, audio_path=write_wav(tmp_path / "b.wav", 0.5))
    assert (shorter.count, caplog.records) == (12, [])
    assert len(list(shorter.windows())) == 12
    with caplog.at_level(logging.WARNING):
        plan_speech(NO_ENCODER, features_path=features_path, audio_path=write_wav(tmp_path / "c.wav", 2))
    assert "do they belong together" in caplog.text


@pytest.mark.parametrize(("start", "end", "first", "count"), [(0.08, None, 2, 6), (0, 0.12, 0, 3), (0.2, 0.24, 5, 1)])
def test_cut_of_features(features_path: Path, start: float, end: float | None, first: int, count: int) -> None:
    speech = plan_speech(NO_ENCODER, features_path=features_path, timing=Timing(start, end))
    values = np.load(features_path)
    windows = list(speech.windows())
    assert speech.count == len(windows) == count
    np.testing.assert_array_equal(windows[0], feature_window(values, first, AVE))


@pytest.mark.parametrize("start", [0.4, 2.0, 4.52, 6.0])
def test_cut_of_audio_sees_what_the_whole_sees(tmp_path: Path, start: float) -> None:
    path = write_wav(tmp_path / "a.wav", 7)
    whole = list(plan_speech(FRONT_END, audio_path=path).windows())
    speech = plan_speech(FRONT_END, audio_path=path, timing=Timing(start, start + 0.6))
    windows = list(speech.windows())
    assert (speech.count, speech.timing) == (15, Timing(start, start + 0.6))
    for window, expected in zip(windows, whole[round(25 * start) :], strict=False):
        np.testing.assert_array_equal(window, expected)
    assert any((a != b).any() for a, b in pairwise(windows))


@pytest.mark.parametrize("start", [1.4, 3.2, 5.96])
def test_cut_of_audio_has_the_bits_of_the_whole(tmp_path: Path, start: float) -> None:
    """Also where a second is no whole number of blocks of features."""
    path, front_end = write_wav(tmp_path / "a.wav", 7), AudioFrontEnd(WHISPER, builtin_encoder(WHISPER))
    whole = list(plan_speech(front_end, audio_path=path).windows())
    speech = plan_speech(front_end, audio_path=path, timing=Timing(start, start + 0.6))
    np.testing.assert_array_equal(np.stack(list(speech.windows())), whole[round(25 * start) :][:15])


def test_wenet_counts_at_its_own_rate(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", draw("wenet", (20, 32, 256)))
    assert plan_speech(AudioFrontEnd(WENET), features_path=tmp_path / "w.npy", timing=Timing(end=0.5)).count == 10


@pytest.mark.parametrize(("start", "end"), [(1.0, 1.0), (0.5, 0.2), (-1.0, None), (9.0, None)])
def test_empty_cuts(features_path: Path, start: float, end: float | None) -> None:
    with pytest.raises(OptionError, match="empty"):
        plan_speech(NO_ENCODER, features_path=features_path, timing=Timing(start, end))


def test_nothing_to_go_by(tmp_path: Path, features_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", 1)
    program = LoudnessProgram()
    program.spec = HUBERT
    cases: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (OptionError, "nothing to say", lambda: plan_speech(NO_ENCODER)),
        (OptionError, "give an audio encoder", lambda: plan_speech(NO_ENCODER, audio_path=path)),
        (OptionError, "gives hubert", lambda: plan_speech(AudioFrontEnd(AVE, program), audio_path=path)),
        (MissingFileError, "nowhere", lambda: plan_speech(NO_ENCODER, audio_path=tmp_path / "nowhere.wav")),
        (FeatureError, "expected hubert", lambda: plan_speech(AudioFrontEnd(HUBERT), features_path=features_path)),
        (
            AudioError,
            "npy",
            lambda: plan_speech(NO_ENCODER, features_path=features_path, audio_path=features_path),
        ),
    ]
    for error, message, call in cases:
        with pytest.raises(error, match=message):
            call()


def test_features_hold_their_values(features_path: Path) -> None:
    assert isinstance(AudioFeatures.load(features_path).values, np.memmap)


@pytest.mark.parametrize("gate", [FIXED_GATE, RELATIVE_GATE])
def test_says_so_where_nobody_speaks(
    tmp_path: Path, features_path: Path, caplog: pytest.LogCaptureFixture, gate: SpeechGate
) -> None:
    rest = np.zeros((16, AVE.feature_size), np.float32)
    hiss = 0.002 * np.random.default_rng(0).standard_normal(16_000)
    voice = np.concatenate([hiss, hiss + 0.3 * np.sin(np.arange(16_000) / 5)])
    for name, samples in (("hiss.wav", hiss), ("voice.wav", voice)):
        soundfile.write(tmp_path / name, samples, 16_000)
    front_end = AudioFrontEnd(AVE, LoudnessProgram(), gate, rest)
    speech = plan_speech(front_end, audio_path=tmp_path / "hiss.wav")
    assert f"{tmp_path / 'hiss.wav'}: no speech heard, so the mouth rests" in caplog.text
    assert (set(speech.rests), len(speech.rests)) == ({1.0}, speech.count)
    np.testing.assert_array_equal(list(speech.windows()), [rest] * speech.count)
    caplog.clear()
    assert min(plan_speech(front_end, audio_path=tmp_path / "voice.wav").rests) == 0
    plan_speech(FRONT_END, audio_path=tmp_path / "hiss.wav")  # without a gate nothing rests
    assert caplog.records == []
    plan_speech(front_end, audio_path=tmp_path / "voice.wav", timing=Timing(end=0.5))
    assert "no speech heard in this part" in caplog.text
