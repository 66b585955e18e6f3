"""The feature type `streaming`: when a window comes, and what it is computed from."""

from collections.abc import Iterator

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.audio.blocks import BLOCKS, features_of, look_ahead
from frame_generation_pipeline.audio.encoder import AudioProgram, OnnxAudioProgram
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.stream import FeatureStream, WindowStream, extract_features, stream_windows
from frame_generation_pipeline.spec import AVE, STREAMING, WHISPER
from streaming_program import build_streaming_program

ALL = 2**63 - 1  # features
AUDIO = np.random.default_rng(6).normal(0, 0.1, 30_011).astype(np.float32)


@pytest.fixture(scope="module")
def program() -> AudioProgram:
    return OnnxAudioProgram(build_streaming_program())


def pieces(samples: Samples, size: int) -> Iterator[Samples]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


@pytest.mark.parametrize("length", [1, 640, 641, 1279, 1280, 1281, 20_480, 30_011])
def test_a_feature_for_every_frame(program: AudioProgram, length: int) -> None:
    features = extract_features([AUDIO[:length]], program)
    assert features.spec == STREAMING
    assert len(features) == features_of(length, STREAMING) == -(-length // 640)
    np.testing.assert_allclose(features.values, program.features(AUDIO[:length], 0, ALL), atol=1e-5)
    assert length < 640 or 0.1 < features.values.std() < 3


@pytest.mark.parametrize("size", [1, 441, 1280, 8000])
def test_pieces_change_no_bit(program: AudioProgram, size: int) -> None:
    audio = AUDIO[:24_000] if size > 1 else AUDIO[:3000]
    expected = extract_features([audio], program).values
    np.testing.assert_array_equal(extract_features(pieces(audio, size), program).values, expected)


@pytest.mark.parametrize("first", [5, 13, 43])
def test_windows_from_any_frame_on(program: AudioProgram, first: int) -> None:
    expected = list(stream_windows([AUDIO], program))
    np.testing.assert_array_equal(list(stream_windows(pieces(AUDIO, 900), program, first=first)), expected[first:])


@pytest.mark.parametrize("skip", [1, 29, 30, 31, 40])
def test_a_start_in_the_middle_changes_no_bit(program: AudioProgram, skip: int) -> None:
    expected = extract_features([AUDIO], program).values
    stream = FeatureStream(program, skip)
    assert stream.first == skip
    parts = [stream.push(piece) for piece in pieces(AUDIO, 700)]
    np.testing.assert_array_equal(np.concatenate([*parts, stream.flush()]), expected[skip:])


def test_a_feature_is_computed_from_its_own_samples(program: AudioProgram) -> None:
    feature = 40
    expected = extract_features([AUDIO], program).values[feature]
    for sample, changes in [(6399, False), (6400, True), (26_879, True), (26_880, False)]:
        other = AUDIO.copy()
        other[sample - (sample < 10_000) * 100 : sample + 1 + (sample > 10_000) * 100] += 0.5
        assert (extract_features([other], program).values[feature] != expected).any() == changes


def test_a_window_comes_with_the_last_of_its_samples_and_not_before(program: AudioProgram) -> None:
    assert look_ahead(STREAMING) == (0.2, 0.2)
    stream, pushed = WindowStream(program), 0
    for frame in range(12):
        needed = 640 * frame + 3200
        assert stream.push(AUDIO[pushed : needed - 1]) == []
        (window,) = stream.push(AUDIO[needed - 1 : needed])
        assert window.shape == (16, 240)
        pushed = needed
    values = extract_features([AUDIO], program).values
    np.testing.assert_array_equal(window, feature_window(values, 11, STREAMING))
    np.testing.assert_array_equal(window[:1], np.zeros((1, 240)))  # feature -1
    np.testing.assert_array_equal(window[1:], values[:15])  # features i - 12 to i + 3


def test_look_ahead_of_the_other_types() -> None:
    assert look_ahead(AVE) == (0.4425, 0.6025)
    assert look_ahead(WHISPER) == (0.5225, 0.8825)
    blocks = BLOCKS[STREAMING]
    assert (blocks.features, blocks.step, blocks.before, blocks.samples) == (1, 640, 30, 1280)
