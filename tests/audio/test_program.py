from pathlib import Path

import numpy as np
import onnx
import pytest

from frame_generation_pipeline.audio.encoder import AudioProgram, OnnxAudioProgram
from frame_generation_pipeline.audio.mel import window_count
from frame_generation_pipeline.making.audio_program import build_audio_program
from frame_generation_pipeline.making.ave_encoder import TorchEncoder, load_ave_encoder
from frame_generation_pipeline.making.encoder import EncoderProgram

ALL = 2**63 - 1  # windows
NOISE = np.random.default_rng(5).uniform(-1, 1, 9000)
SECONDS = np.arange(9000) / 16_000
SIGNALS = {
    "silence": np.zeros(9000),
    "noise": NOISE,
    "quiet": 1e-4 * NOISE,
    "clipping": np.sign(np.sin(2 * np.pi * 300 * SECONDS)),
    "tones": np.sin(2 * np.pi * 440 * SECONDS) + 1e-5 * np.sin(2 * np.pi * 3000 * SECONDS),
    "impulse": np.eye(1, 9000, 5000)[0],
    "offset": np.ones(9000),
    "one sample": np.full(1, 0.5),
    "cut off": NOISE[:2999],
}


@pytest.fixture(scope="module")
def program(encoder_onnx: Path) -> AudioProgram:
    return OnnxAudioProgram(encoder_onnx)


@pytest.fixture(scope="module")
def reference(encoder_checkpoint: Path) -> AudioProgram:
    return EncoderProgram(TorchEncoder(encoder_checkpoint, "cpu"))


@pytest.mark.parametrize("name", SIGNALS)
def test_agrees_with_the_reference(program: AudioProgram, reference: AudioProgram, name: str) -> None:
    samples = SIGNALS[name].astype(np.float32)
    expected = reference.features(samples, 0, ALL)
    assert expected.std() > 0.5
    features = program.features(samples, 0, ALL)
    assert features.dtype == np.float32
    assert features.shape == expected.shape
    np.testing.assert_allclose(features, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["program", "reference"])
def test_windows_asked_for(request: pytest.FixtureRequest, kind: str) -> None:
    asked: AudioProgram = request.getfixturevalue(kind)
    samples = NOISE.astype(np.float32)
    features = asked.features(samples, 0, ALL)
    count = len(features)
    assert count == window_count(9000 // 200 + 1) == 11
    for first, number in [(0, 1), (0, 5), (5, 5), (5, ALL), (10, 1), (8, 9), (0, 0), (11, 1), (30, 5)]:
        found = asked.features(samples, first, number)
        expected = features[first : min(first + number, count)]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_number_of_windows_rounds_like_the_original(program: AudioProgram) -> None:
    differing = [columns for columns in range(16, 1500) if window_count(columns) != (columns - 16) * 5 // 16 + 2]
    assert differing
    for columns in [16, 17, 31, 32, 33, 352, 368, *differing]:
        samples = np.zeros(200 * columns - 1, np.float32)
        assert len(program.features(samples, window_count(columns) - 1, 9)) == 1, columns


def test_same_samples_give_the_same_bits(encoder_onnx: Path, program: AudioProgram) -> None:
    samples = NOISE.astype(np.float32)
    expected = program.features(samples, 5, 5)
    again = OnnxAudioProgram(encoder_onnx.read_bytes())
    for other in (program, again, again):
        np.testing.assert_array_equal(other.features(samples, 5, 5), expected)


def test_same_encoder_gives_the_same_bytes(encoder_checkpoint: Path, encoder_onnx: Path) -> None:
    encoder = load_ave_encoder(encoder_checkpoint)
    assert build_audio_program(encoder).SerializeToString(deterministic=True) == encoder_onnx.read_bytes()


def test_form_of_the_graph(encoder_onnx: Path) -> None:
    model = onnx.load(encoder_onnx)
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    names = {constant.name for constant in model.graph.initializer}
    assert {f"audio_encoder.{index}.{part}" for index in range(13) for part in ("weight", "bias")} <= names
    parameters = sum(value.numel() for value in load_ave_encoder(encoder_onnx.with_suffix(".pth")).parameters())
    assert encoder_onnx.stat().st_size < 4 * parameters + 200_000  # the Fourier basis is not stored
