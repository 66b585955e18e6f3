"""What is not packed: impossible options, unusable templates, programs that differ from their checkpoint."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.errors import (
    FrameGenerationError,
    MissingFileError,
    ModelError,
    OptionError,
    OutputError,
    TemplateError,
)
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making import agreement, build
from frame_generation_pipeline.making.pack import PackReport, pack_avatar
from frame_generation_pipeline.spec import BLENDS, REFERENCE
from frame_generation_pipeline.template.template import Template
from samples import TINY


def refused(error: type[FrameGenerationError], message: str, output: Path, **options: object) -> None:
    """Packing fails with one line and leaves nothing behind."""
    before = set(output.parent.iterdir())
    with pytest.raises(error, match=message) as caught:
        pack_avatar(output, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert set(output.parent.iterdir()) == before


def test_refused_options(tmp_path: Path, checkpoint: Path, template_dir: Path) -> None:
    common = {"checkpoint": checkpoint, "template": template_dir}
    output = tmp_path / "may.avatar"
    refused(OptionError, "frame format 'gif'", output, frame_format="gif", **common)
    refused(OptionError, "quality 101", output, quality=101, **common)
    refused(OptionError, "blend 'hard'", output, blend="hard", **common)
    refused(OptionError, "precision 'int8'", output, precision="int8", **common)
    refused(MissingFileError, "nowhere.pth", output, template=template_dir, checkpoint=tmp_path / "nowhere.pth")
    refused(MissingFileError, "parsing", output, parsing=True, **common)
    refused(ModelError, "not for|is for", output, mode="wenet", **common)
    refused(MissingFileError, "nowhere.onnx", output, encoder=tmp_path / "nowhere.onnx", **common)
    refused(OutputError, "template: exists", template_dir, **common)
    (tmp_path / "folder.avatar").mkdir()
    refused(OutputError, "folder.avatar: exists", tmp_path / "folder.avatar", **common)


def test_refused_encoder_of_other_features(
    tmp_path: Path, packed: PackReport, checkpoint: Path, template_dir: Path
) -> None:
    exported = packed.path / "programs" / "audio.onnx"
    refused(
        OptionError,
        "other features",
        tmp_path / "may",
        checkpoint=checkpoint,
        template=template_dir,
        mode="hubert",
        encoder=exported,
    )


def test_refused_templates(
    tmp_path: Path, checkpoint: Path, template_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {"checkpoint": checkpoint, "template": template_dir}
    output, frame = tmp_path / "may.avatar", template_dir / "full_body_img" / "1.jpg"
    image = cv2.imread(str(frame))
    assert image is not None
    frame.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    refused(TemplateError, "1.jpg is no jpg image", output, **common)
    good = cv2.imencode(".jpg", image)[1].tobytes()
    frame.write_bytes(good[:400] + b"\xff\xd9")
    refused(FrameGenerationError, r"1\.jpg", output, **common)
    frame.write_bytes(good)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"  # upside down
    frame.write_bytes(good[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + good[2:])
    refused(TemplateError, r"1\.jpg: is turned by its EXIF data", output, **common)
    frame.write_bytes(good)
    landmarks = template_dir / "landmarks" / "2.lms"
    landmarks.write_text(landmarks.read_text().replace("52.0 52.0", "40000 5", 1))
    refused(TemplateError, "2.lms: has points farther", output, **common)
    monkeypatch.setattr("frame_generation_pipeline.making.pack.MOST_FRAMES", 2)
    refused(TemplateError, "too large", output, **common)


def test_programs_that_differ_are_not_packed(
    tmp_path: Path, checkpoint: Path, template_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(ProgramGenerator):
        def render(self, *arguments: Any) -> Frame:
            return super().render(*arguments) ^ np.uint8(4)

    monkeypatch.setattr(build, "ProgramGenerator", Other)
    refused(ModelError, "differ from PyTorch: ", tmp_path / "may", checkpoint=checkpoint, template=template_dir)


def test_agreement(template_dir: Path) -> None:
    class Flat:
        spec = TINY

        def __init__(self, level: int) -> None:
            self.level = level

        blends, concurrency = BLENDS, 1

        def encode_face(self, crop: Frame) -> None: ...

        def render(
            self, state: None, window: Window, crop: Frame, keep: object = None, blend: str = REFERENCE
        ) -> Frame:
            return np.full_like(crop, self.level)

    recording = Template.open(template_dir)
    assert agreement.compare(Flat(7), Flat(7), recording) == agreement.Agreement(float("inf"), 0)
    assert agreement.compare(Flat(7), Flat(8), recording).psnr == pytest.approx(48.13, abs=0.01)
    assert agreement.compare(Flat(7), Flat(9), recording).far == 0
    assert agreement.compare(Flat(7), Flat(10), recording).far == 1
    assert not agreement.Agreement(60, 0.002).holds
    assert not agreement.Agreement(float("nan"), 0).holds
