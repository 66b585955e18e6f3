import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.mel import mel_spectrogram
from frame_generation_pipeline.audio.stream import FeatureStream, extract_features, stream_windows
from frame_generation_pipeline.errors import AudioError, ModelError
from frame_generation_pipeline.making.ave_encoder import TorchEncoder
from frame_generation_pipeline.making.encoder import AudioEncoder, EncoderProgram, load_encoder, open_encoder
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import AVE, WHISPER, AudioSpec
from samples import make_speech


class PickColumns:
    """An encoder at no cost whose features tell which mel columns, bands and order it was given."""

    spec = AVE

    def encode(self, windows: npt.NDArray[np.float32]) -> Features:
        assert windows.shape[1:] == (80, 16)
        assert windows.dtype == np.float32
        return windows.reshape(len(windows), -1)[:, ::2][:, :512] + windows[:, :32].reshape(len(windows), 512)


PICK_COLUMNS = EncoderProgram(PickColumns())


@pytest.fixture(scope="module")
def program(encoder_onnx: Path) -> AudioProgram:
    return load_encoder(encoder_onnx)


@pytest.fixture(scope="module")
def torch_encoder(encoder_checkpoint: Path) -> AudioEncoder:
    return TorchEncoder(encoder_checkpoint, "cpu")


def whole(samples: Samples, encoder: AudioEncoder) -> Features:
    """The features of audio as the original computes them, from the spectrogram of all of it."""
    mel = mel_spectrogram(np.pad(samples, (0, max(3000 - len(samples), 0))))
    columns = mel.shape[1]
    starts = [min(int(80 * i / 25), columns - 16) for i in range(int((columns - 16) / 80 * 25) + 2)]
    encoded = encoder.encode(np.stack([mel[:, start : start + 16] for start in starts]))
    return np.concatenate([encoded[:1], encoded, encoded[-1:]])


def pieces(samples: Samples, sizes: list[int]) -> Iterator[Samples]:
    """The samples cut into pieces of these sizes, over and over."""
    position = turn = 0
    while position < len(samples):
        size = sizes[turn % len(sizes)]
        yield samples[position : position + size]
        position, turn = position + size, turn + 1


LENGTHS = [1, 399, 2999, 3000, 3001, 3199, 3200, 5599, 5600, 5799, 5800, 5801, 6000, 8999, 9000, 16_000, 76_600, 76_801]


@pytest.mark.parametrize("length", LENGTHS)
def test_stream_equals_the_whole_file(length: int) -> None:
    samples = make_speech(length)[0]
    expected = whole(samples, PickColumns())
    values = extract_features([samples], PICK_COLUMNS).values
    assert values.shape == expected.shape
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_every_length_around_a_block() -> None:
    samples = make_speech(13_000)[0]
    for length in range(5500, 13_000, 100):
        expected = whole(samples[:length], PickColumns())
        values = extract_features(pieces(samples[:length], [1700]), PICK_COLUMNS).values
        assert values.shape == expected.shape
        np.testing.assert_allclose(values, expected, atol=1e-5)


@pytest.mark.parametrize("size", [1, 200, 1024, 3200, 16_000])
def test_bits_do_not_depend_on_the_pieces(program: AudioProgram, torch_encoder: AudioEncoder, size: int) -> None:
    samples = make_speech(20_333)[0]
    expected = extract_features([samples], program).values
    np.testing.assert_array_equal(extract_features(pieces(samples, [size]), program).values, expected)
    np.testing.assert_allclose(expected, whole(samples, torch_encoder), atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    length=st.integers(1, 30_000),
    sizes=st.lists(st.integers(0, 9000), min_size=1, max_size=6).filter(lambda s: sum(s) > 50),
)
def test_bits_do_not_depend_on_any_pieces(program: AudioProgram, length: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    expected = extract_features([samples], program).values
    np.testing.assert_array_equal(extract_features(pieces(samples, sizes), program).values, expected)


def test_features_come_as_soon_as_their_samples_are_there() -> None:
    stream = FeatureStream(PICK_COLUMNS)
    assert [len(stream.push(piece)) for piece in pieces(make_speech(12_199)[0], [5799, 1, 3199, 1, 3199])] == [
        0,
        6,
        0,
        5,
        0,
    ]
    assert len(stream.flush()) == 7


def test_windows_are_those_of_the_features() -> None:
    samples = make_speech(30_000)[0]
    features = extract_features([samples], PICK_COLUMNS)
    for count, expected in [(None, len(features)), (10, 10), (0, 0), (len(features) + 30, len(features) + 30)]:
        windows = list(stream_windows(pieces(samples, [700]), PICK_COLUMNS, count))
        assert len(windows) == expected
        for index, window in enumerate(windows):
            np.testing.assert_array_equal(window, feature_window(features.values, index, AVE))


@pytest.mark.parametrize("spec", [AVE, WHISPER])
def test_windows_from_any_frame_on(program: AudioProgram, spec: AudioSpec) -> None:
    encoder = program if spec is AVE else open_encoder(None, spec.name)
    samples = make_speech(60_000)[0]
    expected = np.stack(list(stream_windows([samples], encoder, 94)))
    for first in (0, 1, 8, 9, 13, 14, 15, 19, 40, 57, 85, 93, 94):
        windows = list(stream_windows(pieces(samples, [900]), encoder, 94, first))
        assert len(windows) == 94 - first
        np.testing.assert_array_equal(np.reshape(windows, (-1, *expected.shape[1:])), expected[first:])


def test_windows_take_no_more_audio_than_they_need() -> None:
    read = 0

    def counted() -> Iterator[Samples]:
        nonlocal read
        for piece in pieces(make_speech(160_000)[0], [200]):
            read += len(piece)
            yield piece

    windows = stream_windows(counted(), PICK_COLUMNS, 3)
    next(windows)  # needs features 0 to 7, so windows 0 to 6: the second block
    assert read == 9000
    assert len(list(windows)) == 2
    assert read == 9000


def test_memory_is_flat() -> None:
    second = make_speech(16_000)[0]

    def peak(seconds: int) -> int:
        tracemalloc.start()
        for _ in stream_windows((second for _ in range(seconds)), PICK_COLUMNS):
            pass
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    peak(2)
    assert peak(20) < 1.2 * peak(4)


@pytest.mark.parametrize("samples", [np.zeros(9000), np.sign(np.sin(np.arange(9000) / 9)), np.full(1, 0.5)])
def test_silence_clipping_and_one_sample(program: AudioProgram, torch_encoder: AudioEncoder, samples: Samples) -> None:
    samples = samples.astype(np.float32)
    values = extract_features([samples], program).values
    np.testing.assert_allclose(values, whole(samples, torch_encoder), atol=1e-4)
    assert len(values) >= 4


def test_impossible_samples() -> None:
    for samples in (np.array([0, np.nan]), np.array([np.inf]), np.zeros((5, 2))):
        with pytest.raises(AudioError, match="expected mono samples"):
            FeatureStream(PICK_COLUMNS).push(samples.astype(np.float32))
    others: tuple[npt.NDArray[Any], ...] = (np.zeros(5), np.zeros(5, np.int16))
    for other in others:
        with pytest.raises(AudioError, match="expected mono samples"):
            FeatureStream(PICK_COLUMNS).push(other)
    for blocks in ([], [np.empty(0, np.float32)]):
        with pytest.raises(AudioError, match="holds no samples"):
            extract_features(blocks, PICK_COLUMNS)


@pytest.mark.parametrize(
    ("name", "key"), [("speech_16k.wav", "features_16k"), ("speech_44k_stereo.flac", "features_44k")]
)
def test_features_are_the_originals(reference_dir: Path, reference_program: AudioProgram, name: str, key: str) -> None:
    features = extract_features(decode_audio(reference_dir / name), reference_program)
    expected = np.load(reference_dir / "audio.npz")[key]
    assert features.values.shape == expected.shape
    np.testing.assert_allclose(features.values, expected, atol=1e-4)


def test_features_that_are_not_finite_are_refused() -> None:
    class Broken(PickColumns):
        def encode(self, windows: npt.NDArray[np.float32]) -> Features:
            return super().encode(windows) * np.float32("nan")

    program = EncoderProgram(Broken())
    samples = np.zeros(16_000, np.float32)
    with pytest.raises(ModelError, match="the ave audio encoder gives features that are not finite numbers"):
        list(stream_windows([samples], program))
    with pytest.raises(ModelError, match="not finite"):
        extract_features([samples], program)
