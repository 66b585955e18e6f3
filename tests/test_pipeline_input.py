"""What the original's calls refuse, and what they leave behind when they are ended."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from frame_generation_pipeline import FrameGenerationPipeline
from frame_generation_pipeline.errors import (
    FeatureError,
    MissingFileError,
    ModelError,
    OptionError,
    OutputError,
    TemplateError,
)


def test_bad_input_is_found_before_any_frame(
    pipeline: FrameGenerationPipeline, template_dir: Path, features_path: Path, tmp_path: Path
) -> None:
    def call(**changed: object) -> None:
        arguments: dict[str, object] = {
            "audio_features_path": features_path,
            "template_dir": template_dir,
            "output_path": tmp_path / "r.mp4",
            "progress": lambda done, total: pytest.fail("a frame was made"),
        }
        pipeline.generate_video(**(arguments | changed))  # type: ignore[arg-type]

    nan = np.load(features_path)
    nan[3, 7] = np.nan
    np.save(tmp_path / "nan.npy", nan)
    np.save(tmp_path / "shape.npy", nan[:, :100])
    (tmp_path / "file").touch()
    for error, changed in (
        (FeatureError, {"audio_features_path": tmp_path / "nan.npy"}),
        (FeatureError, {"audio_features_path": tmp_path / "shape.npy"}),
        (MissingFileError, {"audio_features_path": tmp_path / "nowhere.npy"}),
        (MissingFileError, {"template_dir": tmp_path / "nowhere"}),
        (MissingFileError, {"audio_path": tmp_path / "nowhere.wav"}),
        (MissingFileError, {"use_parsing": True}),
        (OutputError, {"output_path": ""}),
        (OutputError, {"output_path": tmp_path / "r.avi"}),
        (OutputError, {"output_path": tmp_path / "file" / "r.mp4"}),
        (OptionError, {"start_frame": 3}),
        (OptionError, {"crf": 99}),
        (OptionError, {"preset": "quick"}),
        (OptionError, {"fps": -1.0}),
        (OptionError, {"save_frames": True, "frame_format": "gif"}),
        (OptionError, {"start_time": 5.0}),
    ):
        with pytest.raises(error) as raised:
            call(**changed)
        assert "\n" not in str(raised.value)
    (template_dir / "landmarks" / "1.lms").write_text("1 2\n" * 68)
    with pytest.raises(TemplateError, match="68 points"):
        call()
    assert not list(tmp_path.glob("*.mp4"))


def test_interruption_leaves_nothing(
    pipeline: FrameGenerationPipeline, template_dir: Path, features_path: Path, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        pipeline.generate_video(
            features_path,
            template_dir,
            None,
            folder / "r.mp4",
            save_frames=True,
            frames_dir=folder / "f",
            progress=stop,
        )
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_frame_that_vanishes_in_the_middle(
    pipeline: FrameGenerationPipeline, template_dir: Path, features_path: Path, tmp_path: Path
) -> None:
    def remove(done: int, total: int) -> None:
        (template_dir / "full_body_img" / "0.jpg").unlink(missing_ok=True)

    (tmp_path / "r.mp4").write_text("an earlier result")
    with pytest.raises(MissingFileError, match=r"0\.jpg"):
        pipeline.generate_video(features_path, template_dir, None, tmp_path / "r.mp4", progress=remove)
    assert (tmp_path / "r.mp4").read_text() == "an earlier result"


def test_what_to_load(checkpoint: Path, tmp_path: Path) -> None:
    assert FrameGenerationPipeline(checkpoint, "hubert").mode == "hubert"
    assert FrameGenerationPipeline(checkpoint).mode == "ave"
    (tmp_path / "x.onnx").write_bytes(b"no model")
    for error, message, arguments in (
        (OptionError, "either", {}),
        (OptionError, "either", {"checkpoint_path": checkpoint, "model_path": checkpoint}),
        (OptionError, "backend 'tf'", {"checkpoint_path": checkpoint, "backend": "tf"}),
        (OptionError, "device 'tpu'", {"checkpoint_path": checkpoint, "device": "tpu"}),
        (ModelError, "not wenet", {"checkpoint_path": checkpoint, "mode": "wenet"}),
        (ModelError, "is no ONNX model", {"model_path": tmp_path / "x.onnx"}),
        (MissingFileError, "nowhere", {"model_path": tmp_path / "nowhere.onnx"}),
    ):
        with pytest.raises(error, match=message):
            FrameGenerationPipeline(**arguments)
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="not available"):
            FrameGenerationPipeline(checkpoint, device="cuda")


def test_an_onnx_file_of_something_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    with caplog.at_level(logging.ERROR), pytest.raises(ModelError, match="no generator"):
        FrameGenerationPipeline(model_path=tmp_path / "x.onnx")
