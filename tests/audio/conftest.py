"""Inputs for the tests of audio: generated speech-like samples and checkpoints of the encoder."""

from pathlib import Path
from types import ModuleType

import pytest

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.making.encoder import export_encoder, load_encoder
from samples import draw


@pytest.fixture(scope="session")
def encoder_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights, its names without the module's prefix, as on disk."""
    torch = pytest.importorskip("torch", reason="needs the extra [train]")
    from frame_generation_pipeline.making.ave_encoder import AveEncoder

    state = AveEncoder().audio_encoder.state_dict()
    for name, value in state.items():
        drawn = torch.from_numpy(draw(name, tuple(value.shape)))
        if value.dim() == 4:  # scaled so that differences of the input go all the way through
            state[name] = drawn * (1.6 / value[0].numel()) ** 0.5
        elif name.endswith("running_var"):
            state[name] = 0.5 + drawn.abs()
        elif value.dim() == 1:
            state[name] = 0.2 * drawn + name.endswith("1.weight")
    path = tmp_path_factory.mktemp("encoder") / "encoder.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def encoder_onnx(encoder_checkpoint: Path) -> Path:
    path = encoder_checkpoint.with_suffix(".onnx")
    export_encoder(encoder_checkpoint, path)
    return path


@pytest.fixture(scope="session")
def reference_checkpoint(
    reference_dir: Path, seeded_weights: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The checkpoint with which the reference features were computed."""
    torch = pytest.importorskip("torch", reason="needs the extra [train]")
    arrays = seeded_weights.seeded_state_dict(reference_dir / "shapes_audio_encoder.json")
    path = tmp_path_factory.mktemp("reference") / "encoder.pth"
    torch.save({name.removeprefix("audio_encoder."): torch.from_numpy(array) for name, array in arrays.items()}, path)
    return path


@pytest.fixture(scope="session", params=["torch", "onnx"])
def reference_program(request: pytest.FixtureRequest, reference_checkpoint: Path) -> AudioProgram:
    if request.param == "onnx":
        export_encoder(reference_checkpoint, reference_checkpoint.with_suffix(".onnx"))
        return load_encoder(reference_checkpoint.with_suffix(".onnx"))
    return load_encoder(reference_checkpoint)
