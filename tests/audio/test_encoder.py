import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from frame_generation_pipeline.audio import encoder
from frame_generation_pipeline.audio.ave_encoder import AveEncoder, TorchEncoder
from frame_generation_pipeline.audio.encoder import AudioEncoder, OnnxEncoder, export_encoder, load_encoder
from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError, OutputError
from frame_generation_pipeline.spec import AVE


def check_encoder(audio_encoder: AudioEncoder, expected: np.ndarray, windows: np.ndarray) -> None:
    """What every backend has to do."""
    assert audio_encoder.spec is AVE
    features = audio_encoder.encode(windows)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-4)
    for index in range(len(windows)):  # windows do not see each other
        np.testing.assert_allclose(audio_encoder.encode(windows[index : index + 1])[0], expected[index], atol=1e-4)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return np.random.default_rng(1).uniform(-4, 4, (7, 80, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(encoder_checkpoint: Path, windows: np.ndarray) -> np.ndarray:
    module = AveEncoder().eval()
    module.audio_encoder.load_state_dict(torch.load(encoder_checkpoint))
    with torch.inference_mode():
        output: np.ndarray = module(torch.from_numpy(windows[:, None])).numpy()
    assert output.std() > 0.01
    return output


def test_backends_agree(encoder_checkpoint: Path, encoder_onnx: Path, windows, expected) -> None:
    loaded = [load_encoder(encoder_checkpoint), load_encoder(encoder_onnx), load_encoder(str(encoder_onnx))]
    assert [type(one) for one in loaded] == [TorchEncoder, OnnxEncoder, OnnxEncoder]
    for one in loaded:
        check_encoder(one, expected, windows)


def test_checkpoint_with_prefixed_names_and_safetensors(tmp_path: Path, encoder_checkpoint, windows, expected) -> None:
    from safetensors.torch import save_file

    prefixed = {f"audio_encoder.{name}": value for name, value in torch.load(encoder_checkpoint).items()}
    torch.save(prefixed, tmp_path / "encoder.pt")
    save_file(prefixed, tmp_path / "encoder.safetensors")
    for name in ("encoder.pt", "encoder.safetensors"):
        check_encoder(load_encoder(tmp_path / name), expected, windows)


def test_names_and_shapes_are_the_originals(reference_dir: Path) -> None:
    shapes = json.loads((reference_dir / "shapes_audio_encoder.json").read_text())
    assert {name: list(value.shape) for name, value in AveEncoder().state_dict().items()} == shapes


def test_exported_file_is_opset_17_for_any_number_of_windows(encoder_onnx: Path) -> None:
    model = onnx.load(encoder_onnx)
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert {node.op_type for node in model.graph.node} == {"Reshape", "Conv", "Add", "Relu", "Flatten"}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_export_that_differs_leaves_no_file(
    tmp_path: Path, encoder_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "EXPORT_TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="not written, the ONNX encoder differs from torch"):
        export_encoder(encoder_checkpoint, tmp_path / "encoder.onnx")
    assert not list(tmp_path.iterdir())


def test_export_of_weights_that_are_not_numbers(tmp_path: Path, encoder_checkpoint: Path) -> None:
    weights = torch.load(encoder_checkpoint)
    weights["12.conv_block.0.bias"][0] = torch.nan
    torch.save(weights, tmp_path / "nan.pth")
    with pytest.raises(ModelError, match="differs from torch by nan"):
        export_encoder(tmp_path / "nan.pth", tmp_path / "encoder.onnx")


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


def test_files_that_are_no_onnx_encoder(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ModelError, match=r"text\.onnx: not a readable ONNX file") as caught:
        load_encoder(tmp_path / "text.onnx")
    assert "\n" not in str(caught.value)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"a\.onnx: not an audio encoder"):
        load_encoder(tmp_path / "a.onnx")


def test_missing_files(tmp_path: Path) -> None:
    for name in ("none.onnx", "none.pth"):
        with pytest.raises(MissingFileError, match=name):
            load_encoder(tmp_path / name)


def test_impossible_options(encoder_checkpoint: Path, encoder_onnx: Path) -> None:
    with pytest.raises(OptionError, match="backend 'tpu' is unknown"):
        load_encoder(encoder_onnx, backend="tpu")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="run on the cpu"):
        load_encoder(encoder_onnx, device="cuda")
    with pytest.raises(OptionError, match="'nowhere' is not usable"):
        load_encoder(encoder_checkpoint, device="nowhere")


def test_stating_a_backend_that_contradicts_the_file(encoder_checkpoint: Path, encoder_onnx: Path) -> None:
    with pytest.raises(ModelError, match="not a readable ONNX file"):
        load_encoder(encoder_checkpoint, backend="onnx")
    with pytest.raises(ModelError):
        load_encoder(encoder_onnx, backend="torch")


def test_checkpoint_where_torch_is_not_installed(encoder_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "frame_generation_pipeline.audio.ave_encoder")
    with pytest.raises(OptionError, match=r"needs torch, which is not installed; .*\[train\]"):
        load_encoder(encoder_checkpoint)


def test_torch_is_not_imported_without_need() -> None:
    code = "import sys, frame_generation_pipeline.audio.stream; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
