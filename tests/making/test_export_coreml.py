"""What is written for Core ML, which runs nowhere here: the specification, and its numbers as NumPy computes them."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from frame_generation_pipeline.errors import ModelError, OptionError, OutputError
from frame_generation_pipeline.making import export_coreml
from frame_generation_pipeline.making.coreml_program import CoreMLProgram
from frame_generation_pipeline.making.export import export_checkpoint
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.spec import FACE_MOBILE, WHISPER, GeneratorSpec
from samples import TINY, draw, seeded_network

SPECS = {"unet": TINY, "mobile": GeneratorSpec(FACE_MOBILE, WHISPER, width=4)}
KNOWN = {"add", "cast", "concat", "conv", "pixel_shuffle", "pixel_unshuffle", "relu", "sigmoid", "upsample_bilinear"}
Exported = tuple[GeneratorSpec, CoreMLProgram, CoreMLProgram]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of packages for each network, exported."""
    folders = {name: tmp_path_factory.mktemp("coreml") / name for name in SPECS}
    for name, folder in folders.items():
        image, audio = draw("image", (2, 6, SPECS[name].face.size, SPECS[name].face.size)), SPECS[name].audio
        inputs = np.clip(np.abs(image), 0, 1), draw("audio", (2, *audio.window_shape))
        psnr = export_coreml.export_coreml(seeded_network(SPECS[name]), folder, inputs=[inputs])
        assert psnr >= export_coreml.LOWEST_PSNR
    return folders


@pytest.fixture(scope="module", params=SPECS)
def exported(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Exported:
    folder = folders[request.param]
    return (
        SPECS[request.param],
        CoreMLProgram.open(folder / export_coreml.FACE),
        CoreMLProgram.open(folder / export_coreml.RENDER),
    )


def test_the_specification_is_that_of_ios_16_and_has_the_generators_shapes(exported: Exported) -> None:
    spec, face, render = exported
    size, float32 = spec.face.size, np.dtype(np.float32)
    image, audio = (float32, (1, 6, size, size)), (float32, (1, *spec.audio.window_shape))
    assert (face.version, render.version) == (7, 7)
    assert face.inputs == {"image": image}
    mobile = spec.face == FACE_MOBILE
    sides = [64, 32, 16, 8] if mobile else [80, 40, 20, 10]
    assert list(face.outputs) == [f"skip_{side}" for side in sides]
    assert [shape[2:] for _, shape in face.outputs.values()] == [(side, side) for side in sides]
    assert render.inputs == {**face.outputs, "audio": audio, **({} if mobile else {"image": image})}
    assert render.outputs == {"face": (float32, (1, 3, size, size))}
    assert face.operators | render.operators <= KNOWN


def test_weights_are_of_half_precision(exported: Exported, folders: dict[str, Path]) -> None:
    spec, face, render = exported
    parameters = sum(value.numel() for value in seeded_network(spec).parameters() if value.dim() == 4)
    kept = len(face.weights) + len(render.weights)
    assert 2 * parameters < kept < 3 * parameters + 100_000


def test_the_programs_paint_what_the_network_does(exported: Exported) -> None:
    spec, face, render = exported
    network = seeded_network(spec)
    image = np.clip(np.abs(draw("face", (1, 6, spec.face.size, spec.face.size))), 0, 1)
    audio = draw("speech", (1, *spec.audio.window_shape))
    with torch.inference_mode():
        encoded = network.encode_image(torch.from_numpy(image))
        expected = network(torch.from_numpy(image), torch.from_numpy(audio)).numpy()
    state = face.run({"image": image})
    for tensor in encoded[isinstance(network, GeneratorNetwork) :]:
        skip = state[f"skip_{tensor.shape[-1]}"]
        assert skip.dtype == np.float32
        np.testing.assert_allclose(skip, tensor.numpy(), atol=0.01 * tensor.abs().max().item())
    inputs = {"image": image, "audio": audio, **state}
    output = render.run({name: inputs[name] for name in render.inputs})["face"]
    assert expected.std() > 0.05, "a face without contrast shows no differences"
    np.testing.assert_allclose(output, expected, atol=0.03)  # of float16; single values of one in 10,000


def test_disagreement_leaves_nothing(tmp_path: Path, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        export_coreml,
        "_convert",
        lambda *arguments: shutil.copytree(folders["unet"], arguments[-1], dirs_exist_ok=True),
    )
    other = seeded_network()
    other.outc.conv.bias.data += 0.1  # type: ignore[union-attr, operator]
    with pytest.raises(ModelError, match=r"tiny: not written, Core ML and PyTorch agree to \d+\.\d dB \(at least 50\)"):
        export_coreml.export_coreml(other, tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists"):
        export_coreml.export_coreml(seeded_network(), tmp_path)


def test_operators_and_weights_that_are_not_known_are_refused(exported: Exported) -> None:
    spec, face, _ = exported
    image = np.zeros((1, 6, spec.face.size, spec.face.size), np.float32)
    with pytest.raises(ModelError, match="weights are not where it says"):
        replace(face, weights=bytes(len(face.weights))).run({"image": image})
    operations = [type(operation).FromString(operation.SerializeToString()) for operation in face.operations]
    next(operation for operation in operations if operation.type == "relu").type = "gelu"
    with pytest.raises(ModelError, match="operator gelu"):
        replace(face, operations=tuple(operations)).run({"image": image})


def test_what_core_ml_does_not_take_is_said_before_anything_is_made(
    tmp_path: Path, checkpoint: Path, encoder_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OptionError, match="no opset"):
        export_checkpoint(checkpoint, tmp_path / "out", coreml=True, opset=17)
    with pytest.raises(ModelError, match=r"encoder\.pth: "):
        export_checkpoint(encoder_path, tmp_path / "out", coreml=True)
    monkeypatch.delitem(sys.modules, "frame_generation_pipeline.making.export_coreml")
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(OptionError, match=r"5\.pth: the export to Core ML needs coremltools, .*\[coreml\]"):
        export_checkpoint(checkpoint, tmp_path / "out", coreml=True)
    assert list(tmp_path.iterdir()) == []
