"""Inputs for the tests of audio: generated speech-like samples and checkpoints of the encoder."""

import importlib.util
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from frame_generation_pipeline.audio.ave_encoder import AveEncoder
from frame_generation_pipeline.audio.encoder import AudioEncoder, export_encoder, load_encoder


@pytest.fixture(autouse=True, scope="module")
def one_torch_thread() -> Iterator[None]:
    """Networks this small gain nothing from more, and on a busy machine threads that wait for each other are slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def speech() -> Callable[..., np.ndarray]:
    """`speech(count, rate=16000, channels=1)` -> (channels, count) float32 below full scale."""

    def make(count: int, rate: int = 16_000, channels: int = 1) -> np.ndarray:
        seconds = np.arange(count) / rate
        tone = np.sin(2 * np.pi * 220 * seconds) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * seconds))
        noise = np.random.default_rng(7).standard_normal((channels, count))
        return (0.3 * tone + 0.05 * noise).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def write_wav() -> Callable[[Path, np.ndarray, int], Path]:
    """`write_wav(path, samples (channels, n) int16, rate)` writes a plain PCM file."""

    def write(path: Path, samples: np.ndarray, rate: int) -> Path:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(len(samples))
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples.T.astype("<i2").tobytes())
        return path

    return write


@pytest.fixture(scope="session")
def encoder_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights, its names without the module's prefix, as on disk."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("encoder") / "encoder.pth"
    torch.save(AveEncoder().audio_encoder.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def encoder_onnx(encoder_checkpoint: Path) -> Path:
    path = encoder_checkpoint.with_suffix(".onnx")
    export_encoder(encoder_checkpoint, path)
    return path


@pytest.fixture(scope="session")
def reference_checkpoint(reference_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint with which the reference features were computed."""
    spec = importlib.util.spec_from_file_location("seeded_weights", reference_dir / "seeded_weights.py")
    assert spec is not None
    assert spec.loader is not None
    seeded_weights = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seeded_weights)
    arrays = seeded_weights.seeded_state_dict(reference_dir / "shapes_audio_encoder.json")
    path = tmp_path_factory.mktemp("reference") / "encoder.pth"
    torch.save({name.removeprefix("audio_encoder."): torch.from_numpy(array) for name, array in arrays.items()}, path)
    return path


@pytest.fixture(scope="session", params=["torch", "onnx"])
def reference_encoder(request: pytest.FixtureRequest, reference_checkpoint: Path) -> AudioEncoder:
    if request.param == "onnx":
        export_encoder(reference_checkpoint, reference_checkpoint.with_suffix(".onnx"))
        return load_encoder(reference_checkpoint.with_suffix(".onnx"))
    return load_encoder(reference_checkpoint)
