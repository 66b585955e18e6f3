"""The built-in audio program: what it hears, how many features it gives, and that no cut of the audio changes a bit."""

import subprocess
import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio import whisper
from frame_generation_pipeline.audio.blocks import BLOCKS, features_of
from frame_generation_pipeline.audio.encoder import AudioProgram, builtin_encoder
from frame_generation_pipeline.audio.stream import FeatureStream, WindowStream, extract_features
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.making.encoder import load_encoder, open_encoder, usual_audio
from frame_generation_pipeline.spec import AVE, HUBERT, WENET, WHISPER
from frame_generation_pipeline.weights import AUDIO_PROGRAMS
from samples import make_speech

ALL = 2**63 - 1  # features
NOISE = np.random.default_rng(5).normal(0, 0.1, 22_000).astype(np.float32)


@pytest.fixture(scope="module")
def program() -> AudioProgram:
    program = builtin_encoder(WHISPER)
    assert program is not None
    return program


def pieces(samples: Samples, sizes: list[int]) -> Iterator[Samples]:
    """The samples cut into pieces of these sizes, over and over."""
    position = turn = 0
    while position < len(samples):
        yield samples[position : position + sizes[turn % len(sizes)]]
        position, turn = position + sizes[turn % len(sizes)], turn + 1


def test_what_is_heard_fits_together() -> None:
    blocks = BLOCKS[WHISPER]
    assert blocks.step * WHISPER.fps == 16_000 * blocks.features
    assert blocks.before * blocks.step >= whisper.SAMPLES_BEFORE
    tokens = whisper.COLUMNS // 2
    assert whisper.TOKENS_BEFORE + 2 * blocks.features <= tokens
    assert blocks.samples == 9640


@pytest.mark.parametrize("length", [1, 639, 640, 641, 6399, 6400, 6401, 9639, 9640, 9641, 16_040, 22_000])
def test_a_feature_for_every_frame(program: AudioProgram, length: int) -> None:
    features = extract_features([NOISE[:length]], program)
    assert features.spec == WHISPER
    assert len(features) == features_of(length, WHISPER) == ceil(length / 640)
    np.testing.assert_allclose(features.values, program.features(NOISE[:length], 0, ALL), atol=1e-4)
    assert 0.1 < features.values.std() < 3


def test_features_asked_for(program: AudioProgram) -> None:
    features = program.features(NOISE, 0, ALL)
    assert features.shape == (35, 256)
    assert features.dtype == np.float32
    for first, count in [(0, 1), (3, 4), (9, 2), (10, 10), (13, ALL), (34, 5), (0, 0), (35, 1), (90, 5)]:
        found = program.features(NOISE, first, count)
        expected = features[first : min(first + count, 35)]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_only_what_is_heard_counts(program: AudioProgram) -> None:
    """Features 20 to 29 hear the samples from 6200 to 22,439 and no other."""
    expected = program.features(NOISE, 20, 10)
    elsewhere, near = NOISE.copy(), NOISE.copy()
    elsewhere[:6200] = 0.5
    near[6400:7000] = 0.5
    np.testing.assert_array_equal(program.features(elsewhere, 20, 10), expected)
    assert np.abs(program.features(near, 20, 10) - expected).max() > 0.01


@settings(max_examples=12, deadline=None)
@given(
    length=st.integers(1, 30_000),
    sizes=st.lists(st.integers(0, 9000), min_size=1, max_size=6).filter(lambda sizes: sum(sizes) > 400),
)
def test_bits_do_not_depend_on_the_pieces(program: AudioProgram, length: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    expected = extract_features([samples], program).values
    np.testing.assert_array_equal(extract_features(pieces(samples, sizes), program).values, expected)


def test_same_samples_give_the_same_bits(program: AudioProgram) -> None:
    other = load_encoder(AUDIO_PROGRAMS["whisper"])
    np.testing.assert_array_equal(extract_features([NOISE], other).values, extract_features([NOISE], program).values)


def test_features_come_as_soon_as_their_samples_are_there(program: AudioProgram) -> None:
    stream, windows = FeatureStream(program), WindowStream(program)
    cuts = [9639, 1, 6399, 1, 5960]
    assert [len(stream.push(piece)) for piece in pieces(NOISE, cuts)] == [0, 10, 0, 10, 0]
    assert len(stream.flush()) == 15
    assert [len(windows.push(piece)) for piece in pieces(NOISE, cuts)] == [0, 3, 0, 10, 0]
    assert len(windows.flush()) == 22


def test_every_signal_gives_numbers(program: AudioProgram) -> None:
    for samples in (np.zeros(9000), np.ones(9000), np.sign(np.sin(np.arange(9000) / 9)), np.full(1, 1e-30)):
        assert np.isfinite(extract_features([samples.astype(np.float32)], program).values).all()


def test_loudness_hardly_counts_and_speech_does(program: AudioProgram) -> None:
    voice = make_speech(16_000)[0]
    loud, quiet, other = (
        program.features(samples.astype(np.float32), 0, ALL) for samples in (voice, 0.5 * voice, NOISE[:16_000])
    )
    loud, quiet, other = (features - features.mean(axis=0) for features in (loud, quiet, other))

    def likeness(a: Features, b: Features) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    assert likeness(loud, quiet) > 0.9 > 0.5 > likeness(loud, other)


def test_form_of_the_graph() -> None:
    model = onnx.load(AUDIO_PROGRAMS["whisper"])
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert AUDIO_PROGRAMS["whisper"].stat().st_size < 20e6


def test_opened_by_feature_type_or_by_file(tmp_path: Path, encoder_onnx: Path) -> None:
    assert open_encoder(None, "whisper").spec == WHISPER
    assert open_encoder(None).spec == usual_audio()
    assert open_encoder(AUDIO_PROGRAMS["whisper"], "whisper").spec == WHISPER
    assert open_encoder(encoder_onnx).spec == AVE
    for spec in (AVE, HUBERT, WENET):
        assert builtin_encoder(spec) is None
        with pytest.raises(OptionError, match=f"no encoder for {spec.name} features comes with this program"):
            open_encoder(None, spec.name)
    with pytest.raises(OptionError, match="'mel' is unknown"):
        open_encoder(encoder_onnx, "mel")
    with pytest.raises(OptionError, match="gives ave features, not whisper"):
        open_encoder(encoder_onnx, "whisper")


def test_needs_no_torch() -> None:
    code = """
import sys
sys.modules["torch"] = sys.modules["onnx"] = None
import numpy as np
from frame_generation_pipeline.making.encoder import open_encoder
for mode, size in ((None, 240), ("whisper", 256)):
    assert open_encoder(None, mode).features(np.zeros(9000, np.float32), 0, 3).shape == (3, size)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
