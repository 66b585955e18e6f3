import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError, OutputError
from frame_generation_pipeline.making import encoder as making_encoder
from frame_generation_pipeline.making.ave_encoder import AveEncoder, TorchEncoder
from frame_generation_pipeline.making.encoder import EncoderProgram, export_encoder, load_encoder
from frame_generation_pipeline.spec import AVE


@pytest.fixture(scope="module")
def windows() -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).uniform(-4, 4, (3, 80, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return np.random.default_rng(1).uniform(-1, 1, 4000).astype(np.float32)


def test_torch_encoder(encoder_checkpoint: Path, windows: npt.NDArray[np.float32]) -> None:
    module = AveEncoder().eval()
    module.audio_encoder.load_state_dict(torch.load(encoder_checkpoint))
    with torch.inference_mode():
        expected = module(torch.from_numpy(windows[:, None])).numpy()
    assert expected.std() > 0.5
    one = TorchEncoder(encoder_checkpoint, "cpu")
    assert one.encode(windows).dtype == np.float32
    np.testing.assert_allclose(one.encode(windows), expected, atol=1e-4)
    for index in range(len(windows)):  # windows do not see each other
        np.testing.assert_allclose(one.encode(windows[index : index + 1])[0], expected[index], atol=1e-4)


def test_kinds_of_files(tmp_path: Path, encoder_checkpoint: Path, encoder_onnx: Path, samples: Samples) -> None:
    from safetensors.torch import save_file

    prefixed = {f"audio_encoder.{name}": value for name, value in torch.load(encoder_checkpoint).items()}
    torch.save(prefixed, tmp_path / "encoder.pt")
    save_file(prefixed, tmp_path / "encoder.safetensors")
    expected = load_encoder(encoder_checkpoint).features(samples, 0, 9)
    files: list[tuple[str | Path, type]] = [
        (str(encoder_checkpoint), EncoderProgram),
        (tmp_path / "encoder.pt", EncoderProgram),
        (tmp_path / "encoder.safetensors", EncoderProgram),
        (encoder_onnx, OnnxAudioProgram),
    ]
    for path, kind in files:
        program = load_encoder(path)
        assert type(program) is kind
        assert program.spec is AVE
        np.testing.assert_allclose(program.features(samples, 0, 9), expected, atol=1e-4)


def test_names_and_shapes_are_the_originals(reference_dir: Path) -> None:
    shapes = json.loads((reference_dir / "shapes_audio_encoder.json").read_text())
    assert {name: list(value.shape) for name, value in AveEncoder().state_dict().items()} == shapes


def test_export_that_differs_leaves_no_file(
    tmp_path: Path, encoder_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making_encoder, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="not written, the audio program differs from torch"):
        export_encoder(encoder_checkpoint, tmp_path / "encoder.onnx")
    assert not list(tmp_path.iterdir())


def test_export_compares_every_signal(
    tmp_path: Path, encoder_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise, voice = making_encoder._trial_signals()
    exact = EncoderProgram.features

    def off_for_the_voice(self: EncoderProgram, samples: Samples, first: int, count: int) -> Features:
        features = exact(self, samples, first, count)
        features[-1, -1] += 1e-3 * np.array_equal(samples, voice)
        return features

    monkeypatch.setattr(EncoderProgram, "features", off_for_the_voice)
    with pytest.raises(ModelError, match=r"differs from torch by 1\.0e-03"):
        export_encoder(encoder_checkpoint, tmp_path / "encoder.onnx")
    for signal in (noise, voice):
        assert signal.dtype == np.float32
        assert 0.1 < np.abs(signal).max() <= 1


def test_export_of_weights_that_are_not_numbers(tmp_path: Path, encoder_checkpoint: Path) -> None:
    weights = torch.load(encoder_checkpoint)
    weights["12.conv_block.0.bias"][0] = torch.nan
    torch.save(weights, tmp_path / "nan.pth")
    with pytest.raises(ModelError, match="has values that are not finite"):
        export_encoder(tmp_path / "nan.pth", tmp_path / "encoder.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["nan.pth"]


def test_export_to_an_impossible_place(tmp_path: Path, encoder_checkpoint: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected a folder"):
        export_encoder(encoder_checkpoint, tmp_path / "file" / "encoder.onnx")


def test_checkpoints_that_do_not_fit_are_told_apart(tmp_path: Path, encoder_checkpoint: Path) -> None:
    weights = torch.load(encoder_checkpoint)
    bias = weights.pop("0.conv_block.0.bias")
    torch.save(weights, tmp_path / "missing.pth")
    torch.save({**weights, "0.conv_block.0.bias": bias, "fc.weight": bias}, tmp_path / "more.pth")
    torch.save({**weights, "0.conv_block.0.bias": bias[:3]}, tmp_path / "shape.pth")
    for name, message in [
        ("missing.pth", r"audio_encoder\.0\.conv_block\.0\.bias is missing"),
        ("more.pth", r"fc\.weight is unexpected"),
        ("shape.pth", r"has shape \(3,\), expected \(32,\)"),
    ]:
        with pytest.raises(ModelError, match=message):
            load_encoder(tmp_path / name)


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": RunsCode()}, "evil.pth")
    with pytest.raises(ModelError, match="wants to run code"):
        load_encoder("evil.pth")
    assert not Path("executed").exists()


def relu(ends: dict[str, list[str | int]]) -> bytes:
    """A model whose input and output have these names and shapes."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends.items()]
    graph = helper.make_graph([helper.make_node("Relu", [*ends][:1], [*ends][1:])], "other", values[:1], values[1:])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_files_that_are_no_audio_program(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ModelError, match=r"text\.onnx: is no ONNX model") as caught:
        load_encoder(tmp_path / "text.onnx")
    assert "\n" not in str(caught.value)
    (tmp_path / "a.onnx").write_bytes(relu({"samples": ["L"], "features": ["L"]}))
    with pytest.raises(ModelError, match=r"a\.onnx: no audio program, it has samples, features; expected samples, fi"):
        load_encoder(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="the model: no audio program"):
        OnnxAudioProgram(relu({"x": ["n", 3], "y": ["n", 3]}))


def test_missing_files(tmp_path: Path) -> None:
    for name in ("none.onnx", "none.pth"):
        with pytest.raises(MissingFileError, match=name):
            load_encoder(tmp_path / name)


def test_impossible_options(encoder_checkpoint: Path, encoder_onnx: Path) -> None:
    with pytest.raises(OptionError, match="no device 'cuda'"):
        load_encoder(encoder_onnx, device="cuda")
    with pytest.raises(OptionError, match="'NoProvider' is not available"):
        load_encoder(encoder_onnx, providers=["NoProvider"])
    with pytest.raises(OptionError, match="'nowhere' is not usable"):
        load_encoder(encoder_checkpoint, device="nowhere")
    with pytest.raises(OptionError, match=r"are for \.onnx files"):
        load_encoder(encoder_checkpoint, providers=["CPUExecutionProvider"])


def test_checkpoint_where_torch_is_not_installed(
    tmp_path: Path, encoder_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in ("ave_encoder", "program"):
        monkeypatch.delitem(sys.modules, f"frame_generation_pipeline.audio.{module}", raising=False)
    expected = r"encoder\.pth: .* needs torch, which is not installed; .*\[train\]"
    with pytest.raises(OptionError, match=expected):
        load_encoder(encoder_checkpoint)
    with pytest.raises(OptionError, match=expected):
        export_encoder(encoder_checkpoint, tmp_path / "encoder.onnx")


def test_torch_is_not_imported_without_need() -> None:
    code = "import sys, frame_generation_pipeline.audio.stream as s; assert not {'torch', 'onnx'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)
