"""Frames for encoders: the same bits as the whole frame, converted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.files.records import MemoryRecords
from frame_generation_pipeline.media.images import to_planes
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.planar import PlanarFrames, planar_record
from frame_generation_pipeline.template.sequence import FrameSequence, TemplateFrame

BOXES = [CropBox(20, 11, 40), CropBox(21, 10, 41), CropBox(-7, -5, 48), CropBox(50, 41, 60), CropBox(0, 0, 64)]


def noise(*shape: int) -> Frame:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)


@dataclass
class Noise(FrameSequence):
    """A template of one image with these boxes."""

    image: Frame
    boxes: tuple[CropBox, ...]
    keep: npt.NDArray[Any] | None = None
    reads: list[int] = field(default_factory=list)
    path = Path("noise")

    def __post_init__(self) -> None:
        self.height, self.width = self.image.shape[:2]

    def __len__(self) -> int:
        return len(self.boxes)

    def read(self, index: int) -> TemplateFrame:
        self.reads.append(index)
        return TemplateFrame(self.image.copy(), self.boxes[index], self.keep)


@pytest.mark.parametrize("size", [(96, 80), (97, 81), (1280, 723)])
def test_the_same_bits_as_the_whole_frame(size: tuple[int, int]) -> None:
    width, height = size
    image = noise(height, width, 3)
    reaches = CropBox(width - 50, height - 45, 64)  # beyond the image
    template = Noise(image, (*BOXES, reaches))
    frames = PlanarFrames(template, MemoryRecords(planar_record(template), len(template)))
    for turn in range(2):
        for index, box in enumerate(template.boxes):
            frame = frames.read(index)
            np.testing.assert_array_equal(frame.box.cut(frame.image), box.cut(image))
            patch, whole = noise(box.size, box.size, 3) ^ np.uint8(turn), image.copy()
            box.paste(whole, patch)
            assert frame.background is not None
            np.testing.assert_array_equal(frame.background.around(paste(frame, patch)), to_planes(whole))
    assert template.reads == [*range(len(template))]


def test_frames_without_a_place_are_read_as_they_are() -> None:
    template = Noise(noise(80, 96, 3), tuple(BOXES[:2]))
    frames = PlanarFrames(template, MemoryRecords(planar_record(template), 1))
    assert frames.read(0).background is not None
    frame = frames.read(1)
    assert (frame.background, frame.box) == (None, BOXES[1])
    np.testing.assert_array_equal(frame.image, template.image)


def test_frames_with_pixels_that_stay_are_read_each_time() -> None:
    template = Noise(noise(80, 96, 3), tuple(BOXES[:1]), np.ones((40, 40), np.bool_))
    frames = PlanarFrames(template, MemoryRecords(planar_record(template), 1))
    for _ in range(2):
        np.testing.assert_array_equal(frames.read(0).keep, template.keep)
    assert template.reads == [0, 0]
