import cv2
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.face.blend import write_back
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.spec import FACE_160, FACE_328, FACE_SPECS, REFERENCE, FaceSpec
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.sequence import TemplateFrame
from samples import draw


def random_image(height: int, width: int) -> Frame:
    return np.clip(128 + 50 * draw("image", (height, width, 3)), 0, 255).astype(np.uint8)


def test_mask_of_328() -> None:
    inner, masked = np.split(network_input(np.full((328, 328, 3), 255, np.uint8), FACE_328)[0], 2)
    assert (inner == 1).all()
    black = masked[0] == 0
    assert black[5:310, 5:315].all()  # x 5..314, y 5..309
    assert black.sum() == 305 * 310


def test_mask_of_160() -> None:
    masked = network_input(np.full((168, 168, 3), 255, np.uint8), FACE_160)[0, 3:]
    black = masked[0] == 0
    assert black[5:150, 5:155].all()
    assert black.sum() == 145 * 150


@pytest.mark.parametrize("spec", FACE_SPECS.values())
def test_input_is_bgr_scaled_and_without_the_rim(spec: FaceSpec) -> None:
    resized = random_image(spec.crop_size, spec.crop_size)
    image = network_input(resized, spec)
    assert image.shape == (1, 6, spec.size, spec.size)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image[0, :3, 0, 0], resized[spec.margin, spec.margin] / np.float32(255))
    np.testing.assert_array_equal(image[0, 3:, 0, 0], image[0, :3, 0, 0])


def test_interpolation() -> None:
    crop = random_image(61, 61)
    np.testing.assert_array_equal(resize_crop(crop, FACE_328), cv2.resize(crop, (328, 328), interpolation=2))
    np.testing.assert_array_equal(resize_crop(crop, FACE_160), cv2.resize(crop, (168, 168), interpolation=1))


@pytest.mark.parametrize("spec", FACE_SPECS.values())
def test_output_is_truncated_and_the_rim_stays(spec: FaceSpec) -> None:
    side = spec.crop_size  # the crop's own size, so that resizing changes nothing
    resized = random_image(side, side)
    output = np.full((1, 3, spec.size, spec.size), 0.9999, np.float32)
    patch = write_back(resized, resized, output, spec, REFERENCE)
    inside = slice(spec.margin, -spec.margin)
    assert (patch[inside, inside] == 254).all()
    rim = np.ones((side, side), bool)
    rim[inside, inside] = False
    np.testing.assert_array_equal(patch[rim], resized[rim])
    assert write_back(random_image(50, 60), resized, output, spec, REFERENCE).shape == (50, 60, 3)


def test_paste_writes_the_box_only() -> None:
    image = random_image(40, 50)
    before = image.copy()
    frame = paste(TemplateFrame(image, CropBox(10, 5, 20), None), np.full((20, 20, 3), 9, np.uint8))
    assert frame is image
    assert (frame[5:25, 10:30] == 9).all()
    before[5:25, 10:30] = 9
    np.testing.assert_array_equal(frame, before)
