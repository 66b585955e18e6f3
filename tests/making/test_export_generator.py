from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
import torch

import make_vectors
from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.making import export_generator
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.programs import build_network_program
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.spec import AVE, FACE_328, GeneratorSpec
from samples import TINY, draw, seeded_network


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "unet.onnx"
    assert export_generator.export_generator(seeded_network(), path) < export_generator.TOLERANCE
    return path


def test_batch_is_free_and_opset_is_new(exported: Path) -> None:
    model = onnx.load(exported)
    assert model.opset_import[0].version >= 17
    session = open_session(exported)
    image, audio = np.abs(draw("i", (3, 6, 160, 160))), draw("a", (3, *TINY.audio.window_shape))
    (together,) = session.run(None, {"image": image, "audio": audio})
    assert together.shape == (3, 3, 160, 160)
    (alone,) = session.run(None, {"image": image[1:2], "audio": audio[1:2]})
    np.testing.assert_allclose(alone[0], together[1], atol=1e-6)


def test_disagreement_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = seeded_network()
    for values in other.outc.parameters():
        values.data += 0.01
    monkeypatch.setattr(export_generator, "build_network_program", lambda network: build_network_program(other))
    with pytest.raises(ModelError, match=r"differ by 0\.0"):
        export_generator.export_generator(seeded_network(), tmp_path / "unet.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", make_vectors.SPECS)
def test_every_generator(tmp_path: Path, name: str) -> None:
    network = seeded_network(make_vectors.SPECS[name])
    assert export_generator.export_generator(network, tmp_path / "unet.onnx") < export_generator.TOLERANCE


def test_the_originals_vectors(reference_dir: Path, seeded_weights: ModuleType, tmp_path: Path) -> None:
    network = GeneratorNetwork(GeneratorSpec(FACE_328, AVE))
    weights = seeded_weights.seeded_state_dict(reference_dir / "shapes_unet328_ave.json")
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    vector = np.load(reference_dir / "network_328_ave.npz")
    inputs = (vector["image_u8"] / np.float32(255), vector["audio"])
    assert (
        export_generator.export_generator(network, tmp_path / "unet.onnx", inputs=[inputs]) < export_generator.TOLERANCE
    )
    (face,) = open_session(tmp_path / "unet.onnx").run(None, dict(zip(("image", "audio"), inputs, strict=True)))
    np.testing.assert_allclose(face, vector["output"], rtol=0, atol=1e-4)


def test_real_inputs_are_compared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = (np.full((1, 6, 160, 160), np.nan, np.float32), np.zeros((1, *TINY.audio.window_shape), np.float32))
    with pytest.raises(ModelError, match="differ by nan"):
        export_generator.export_generator(seeded_network(), tmp_path / "unet.onnx", inputs=[bad])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("asked", "written"), [(11, 17), (17, 17), (20, 20)])
def test_opsets(tmp_path: Path, caplog: pytest.LogCaptureFixture, asked: int, written: int) -> None:
    export_generator.export_generator(seeded_network(), tmp_path / "unet.onnx", opset_version=asked)
    assert onnx.load(tmp_path / "unet.onnx").opset_import[0].version == written
    assert ("11 is too old" in caplog.text) == (asked == 11)
