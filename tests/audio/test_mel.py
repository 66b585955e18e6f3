from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.audio.mel import filterbank, mel_columns, mel_spectrogram, pre_emphasis, window_count
from frame_generation_pipeline.media.audio_reader import decode_audio
from samples import make_speech


def librosa_mel(samples: Samples) -> npt.NDArray[np.float32]:
    emphasised = samples.astype(np.float64) - 0.97 * np.concatenate([[0], samples[:-1]])
    stft = librosa.stft(emphasised, n_fft=800, hop_length=200, win_length=800, pad_mode="constant")
    basis = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    decibels = 20 * np.log10(np.maximum(1e-5, basis @ np.abs(stft))) - 20
    mel: npt.NDArray[np.float32] = np.clip(8 * (decibels + 100) / 100 - 4, -4, 4)
    return mel


def test_filterbank_is_librosas() -> None:
    expected = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    np.testing.assert_allclose(filterbank(), expected, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("length", [801, 999, 1000, 1001, 16_000])
def test_spectrogram_agrees_with_librosa(length: int) -> None:
    samples = make_speech(length)[0]
    mel = mel_spectrogram(samples)
    assert mel.dtype == np.float32
    assert mel.shape == (80, length // 200 + 1)
    np.testing.assert_allclose(mel, librosa_mel(samples), atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 199, 200, 399])
def test_short_audio_is_that_audio_with_zeros_around(length: int) -> None:
    mel = mel_spectrogram(make_speech(length)[0])
    assert mel.shape == (80, length // 200 + 1)
    padded = np.pad(pre_emphasis(make_speech(length)[0]), 400)
    np.testing.assert_array_equal(mel, mel_columns(padded))


def test_silence_is_the_floor_and_clipping_stays_in_range() -> None:
    assert (mel_spectrogram(np.zeros(4000, np.float32)) == -4).all()
    loud = mel_spectrogram(np.sign(np.sin(np.arange(4000) / 9)).astype(np.float32))
    assert loud.max() <= 4
    assert loud.max() > 2


def test_window_count_keeps_the_originals_rounding() -> None:
    assert window_count(16) == 2
    assert window_count(276) == 83
    assert window_count(384) == 116  # exact arithmetic gives 117


def test_pre_emphasis_continues_from_the_sample_before() -> None:
    samples = make_speech(50)[0]
    whole = pre_emphasis(samples)
    parts = [pre_emphasis(samples[:20]), pre_emphasis(samples[20:], float(samples[19]))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize(("name", "key"), [("speech_16k.wav", "mel_16k"), ("speech_44k_stereo.flac", "mel_44k")])
def test_spectrogram_is_the_originals(reference_dir: Path, name: str, key: str) -> None:
    samples = np.concatenate(list(decode_audio(reference_dir / name)))
    expected = np.load(reference_dir / "audio.npz")[key]
    np.testing.assert_allclose(mel_spectrogram(samples), expected, atol=1e-5)
