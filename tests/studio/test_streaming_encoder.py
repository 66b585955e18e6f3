"""The streaming encoder: its program is the network, and what a feature hears."""

import shutil
import subprocess
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.audio.streaming import SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN, SAMPLES_WITH_CONTEXT, STEP
from frame_generation_pipeline.spec import STREAMING, WHISPER
from studio import streaming_encoder_variation
from studio.presenter.encoded_speech import NAMES, WIDEST
from studio.presenter.timing import LEVEL
from studio.streaming_encoder import COLUMNS, LARGEST, UNUSED, StreamingEncoder, build
from studio.streaming_encoder_augmentation import disturbed
from studio.streaming_encoder_data import Speech
from studio.streaming_encoder_learning import Pool, Student, learn, losses
from studio.streaming_encoder_variation import varied
from studio.whisper_weights import BANDS

ALL = 2**63 - 1  # features
needs_rubber_band = pytest.mark.skipif(
    not shutil.which("ffmpeg")
    or b"rubberband" not in subprocess.run(["ffmpeg", "-filters"], capture_output=True).stdout,
    reason="FFmpeg with Rubber Band is not installed",
)
AUDIO = np.random.default_rng(3).normal(0, 0.05, 28_000).astype(np.float32)


@pytest.fixture(scope="module")
def encoder() -> StreamingEncoder:
    """One whose normalisations have seen something."""
    torch.manual_seed(0)
    network = StreamingEncoder()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return network.eval()


@pytest.fixture(scope="module")
def program(encoder: StreamingEncoder) -> OnnxAudioProgram:
    return OnnxAudioProgram(build(encoder))


@pytest.fixture(scope="module")
def features(program: OnnxAudioProgram) -> Features:
    return program.features(AUDIO, 0, ALL)


def with_context(samples: Samples) -> torch.Tensor:
    padded = np.pad(samples, (SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN))
    count = -(-len(samples) // STEP)
    return torch.from_numpy(np.stack([padded[i * STEP :][:SAMPLES_WITH_CONTEXT] for i in range(count)]))


def test_the_program_is_the_network(encoder: StreamingEncoder, features: Features, program: OnnxAudioProgram) -> None:
    with torch.inference_mode():
        expected = encoder(with_context(AUDIO)).numpy()
    assert program.spec == STREAMING
    assert features.std() > 0.2
    np.testing.assert_allclose(features, expected, atol=5e-3)  # weights are rounded to float16


def test_features_that_follow_one_another_are_those_of_single_ones(encoder: StreamingEncoder) -> None:
    rows = with_context(AUDIO)[-6:]
    joined = torch.cat([rows[0], *(row[-STEP:] for row in rows[1:])])[None, UNUSED:]
    with torch.inference_mode():
        values = encoder.values(encoder.powers(joined))[0].T.clamp(-LARGEST, LARGEST)
        torch.testing.assert_close(values, encoder(rows), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("first", "count"), [(0, 1), (5, 2), (13, 3), (30, 7), (43, ALL), (44, 1), (0, 0)])
def test_no_feature_depends_on_how_many_are_computed(
    program: OnnxAudioProgram, features: Features, first: int, count: int
) -> None:
    np.testing.assert_array_equal(program.features(AUDIO, first, count), features[first : first + count])


def test_what_a_feature_hears(program: OnnxAudioProgram, features: Features) -> None:
    number = 36
    begin, end = number * STEP - SAMPLES_BEFORE, number * STEP + SAMPLES_FROM_ITS_OWN
    other = AUDIO.copy()
    other[:begin], other[end:] = 0.3, -0.3
    np.testing.assert_array_equal(program.features(other, number, 1), features[number : number + 1])
    np.testing.assert_array_equal(program.features(AUDIO[begin:end], 30, 1), features[number : number + 1])
    for sample in (begin + UNUSED + 10, end - 40):  # nearly all of it counts
        other = AUDIO.copy()
        other[sample] += 0.5
        assert (program.features(other, number, 1) != features[number : number + 1]).any()


def test_the_bands_are_whispers(encoder: StreamingEncoder) -> None:
    np.testing.assert_allclose(encoder.bands, librosa.filters.mel(sr=16_000, n_fft=400, n_mels=80).T, atol=1e-8)


def test_speech_for_learning(tmp_path: Path, encoder: StreamingEncoder) -> None:
    """Columns, articulators and features of the type `whisper` belong to the same moments."""
    folder, file = tmp_path / "a", tmp_path / "b.wav"
    folder.mkdir()
    samples, moves = AUDIO[:16_000], np.random.default_rng(0).random((len(NAMES), 25))
    soundfile.write(folder / "speech.wav", samples, 16_000)
    articulators = {f"articulator_{name}": values for name, values in zip(NAMES[:-1], moves, strict=False)}
    np.savez(folder / "truth.npz", opening=moves[-1] * WIDEST, **articulators)
    soundfile.write(file, samples[:15_900], 16_000)
    Speech.of([folder, file]).write(tmp_path / "speech.npz")
    speech = Speech.read(tmp_path / "speech.npz")
    assert speech.taught.shape == (50, WHISPER.feature_size)
    np.testing.assert_allclose(speech.truth[:25], moves.T, atol=1e-6)
    assert np.isnan(speech.truth[25:]).all()
    joined = Speech.joined([speech, speech])
    np.testing.assert_array_equal(joined.powers[200:], speech.powers)
    np.testing.assert_array_equal(joined.powers[:200], speech.powers[:200])
    np.testing.assert_array_equal(joined.truth, np.concatenate([speech.truth] * 2))
    np.testing.assert_array_equal(joined.taught, np.concatenate([speech.taught] * 2))
    scaled = samples * LEVEL / np.sqrt(np.mean(samples[np.abs(samples) > 0.01] ** 2))
    columns = torch.from_numpy(speech.powers[4 * 10 + 1 :][:COLUMNS].T.astype(np.float32))
    with torch.inference_mode():
        expected = encoder(with_context(scaled)[10:11])
        torch.testing.assert_close(encoder.values(10 ** columns[None])[:, :, 0], expected, atol=0.05, rtol=0)


@pytest.mark.parametrize("chance", [0.0, pytest.param(1.0, marks=needs_rubber_band)])
def test_varied_speech_keeps_pace_with_its_truth(monkeypatch: pytest.MonkeyPatch, chance: float) -> None:
    monkeypatch.setattr(streaming_encoder_variation, "STRETCHED", chance)
    loud = np.repeat(np.random.default_rng(0).uniform(0, 1, 65), 10).astype(np.float32)  # of 26 s
    tone = 0.3 * np.sign(np.sin(np.arange(len(loud) * STEP) * 2 * np.pi * 150 / 16_000))
    samples = (np.repeat(loud, STEP) * tone).astype(np.float32)
    parts = list(varied(samples, loud[:, None], np.random.default_rng(5)))
    assert len(parts) == 2
    assert abs(len(parts[0][1]) - 500) > 20
    for part, truth in parts:
        level = np.sqrt(np.square(part.reshape(len(truth), STEP)).mean(1))
        assert np.corrcoef(level, truth[:, 0])[0, 1] > 0.9


def test_disturbed_speech_is_repeatable_and_silence_has_no_speech() -> None:
    powers = torch.rand(4, BANDS, 150, generator=torch.Generator().manual_seed(0))
    silent = torch.tensor([False, False, False, True])
    once, again = (disturbed(powers, silent, torch.Generator().manual_seed(2)) for _ in range(2))
    torch.testing.assert_close(once, again, atol=0, rtol=0)
    assert (once >= 0).all()
    other = disturbed(powers * 2, silent, torch.Generator().manual_seed(2))
    torch.testing.assert_close(once[3], other[3], atol=0, rtol=0)
    torch.testing.assert_close(once[:3] * 2, other[:3])  # noise is as loud as the speech makes it


def test_what_is_learned_becomes_less_wrong() -> None:
    """A few steps on the same speech explain more of it than none."""
    random = np.random.default_rng(1)
    frames = 120
    powers = random.normal(-2, 1, (4 * frames + COLUMNS, BANDS))
    level = np.convolve(powers[:, 20:40].mean(1), np.ones(8) / 8, "same")[COLUMNS - 8 : COLUMNS - 8 + 4 * frames : 4]
    taught = np.repeat((level[:, None] - level.mean()) / level.std(), WHISPER.feature_size, axis=1)
    truth = np.repeat(0.5 + 0.1 * taught[:, :1], len(NAMES), axis=1)
    pool = Pool(Speech(powers.astype(np.float16), truth.astype(np.float32), taught.astype(np.float32)))
    torch.manual_seed(0)
    student = Student()

    def errors() -> dict[str, float]:
        pool.generator.manual_seed(1)
        return {name: value.item() for name, value in losses(student, pool, 8).items()}

    before = errors()
    learn(pool, student, steps=90, size=2, rate=3e-3)
    after = errors()
    assert all(after[name] < 0.9 * before[name] for name in before)
