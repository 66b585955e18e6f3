from pathlib import Path

import numpy as np
import onnx
import pytest

from frame_generation_pipeline.errors import ModelError, OptionError
from frame_generation_pipeline.generator import export
from frame_generation_pipeline.generator.onnx_session import open_session
from samples import TINY, draw, seeded_network


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "unet.onnx"
    assert export.export_generator(seeded_network(), path) < export.TOLERANCE
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
    write = export._write

    def write_other(network, example, path, opset_version):  # type: ignore[no-untyped-def]
        network.outc.conv.bias.data += 0.01
        write(network, example, path, opset_version)
        network.outc.conv.bias.data -= 0.01

    monkeypatch.setattr(export, "_write", write_other)
    with pytest.raises(ModelError, match=r"differ by 0\.00"):
        export.export_generator(seeded_network(), tmp_path / "unet.onnx")
    assert list(tmp_path.iterdir()) == []


def test_real_inputs_are_compared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = (np.full((1, 6, 160, 160), np.nan, np.float32), np.zeros((1, *TINY.audio.window_shape), np.float32))
    with pytest.raises(ModelError, match="differ by nan"):
        export.export_generator(seeded_network(), tmp_path / "unet.onnx", inputs=[bad])
    assert list(tmp_path.iterdir()) == []


def test_old_opset(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="17 or newer"):
        export.export_generator(seeded_network(), tmp_path / "unet.onnx", opset_version=11)
