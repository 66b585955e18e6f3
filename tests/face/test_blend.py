"""The feathered blend: what it must not touch, what it must not show, and that colours come back."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faces import draw_face
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.evaluate.figures import edge_gradient
from frame_generation_pipeline.face.blend import (
    FEATHER,
    LIFT,
    UNSEEN,
    colour_shift,
    continuation,
    fade,
    write_back,
)
from frame_generation_pipeline.face.crop import resize_crop
from frame_generation_pipeline.spec import FACE_328, FACE_SPECS, FEATHERED, REFERENCE, FaceSpec
from frame_generation_pipeline.template.crop_box import CropBox
from samples import draw

SKINS = {"pale": (1.0, 1.0, 1.0), "brown": (0.45, 0.55, 0.7), "dark": (0.16, 0.2, 0.3)}
LIGHTS = {"as it is": (1.0, 1.0, 1.0), "dim": (0.8, 0.8, 0.8), "warm": (0.8, 1.0, 1.15), "bright": (1.12, 1.12, 1.12)}
BOX = CropBox(80, 72, 160)


def face(skin: str) -> Frame:
    return np.asarray((draw_face() * np.array(SKINS[skin])).round(), np.uint8)


def rendered(crop: Frame, spec: FaceSpec, light: str) -> npt.NDArray[np.float32]:
    """What a network would give that paints the crop as it is, in another light: (1, 3, size, size)."""
    inside = slice(spec.margin, -spec.margin)
    output = resize_crop(crop, spec)[inside, inside].astype(np.float32) / 255 * np.array(LIGHTS[light], np.float32)
    return output.clip(0, 1).transpose(2, 0, 1)[np.newaxis].astype(np.float32)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("skin", SKINS)
@pytest.mark.parametrize("spec", FACE_SPECS.values())
def test_no_edge_at_any_skin_or_light(spec: FaceSpec, skin: str, light: str) -> None:
    frame = face(skin)
    crop = BOX.cut(frame)
    scale = BOX.size / spec.crop_size

    def seams(image: Frame) -> tuple[float, float]:
        return edge_gradient(image, BOX), edge_gradient(image, BOX, spec.margin * scale, max(1, int(np.ceil(scale))))

    seen = {}
    for blend in (REFERENCE, FEATHERED):
        image = frame.copy()
        BOX.cut(image)[:] = write_back(crop, resize_crop(crop, spec), rendered(crop, spec, light), spec, blend)
        seen[blend] = image
    for seam, own in zip(seams(seen[FEATHERED]), seams(frame), strict=True):
        assert seam <= 1.1 * own
    errors = {blend: cv2.norm(image, frame, cv2.NORM_L2SQR) for blend, image in seen.items()}
    assert errors[FEATHERED] <= errors[REFERENCE]
    if light != "as it is":
        assert errors[FEATHERED] < 0.5 * errors[REFERENCE]
        assert seams(seen[REFERENCE])[1] > 1.1 * seams(frame)[1]


def test_the_rim_is_the_recordings_to_the_bit() -> None:
    crop = np.clip(128 + 60 * draw("crop", (182, 182, 3)), 0, 255).astype(np.uint8)
    output = np.abs(draw("output", (1, 3, 320, 320))).clip(0, 1)
    patch = write_back(crop, resize_crop(crop, FACE_328), output, FACE_328, FEATHERED)
    changed = (patch != crop).any(axis=2)
    inside = np.s_[2:-2, 2:-2]  # 4 of 328 pixels are 2.2 of 182
    assert changed[inside].mean() > 0.9
    changed[inside] = False
    assert not changed.any()


@pytest.mark.parametrize("length", [32, 181, 328, 700])
def test_fade(length: int) -> None:
    share = fade(length, FACE_328)
    np.testing.assert_allclose(share, share[::-1], atol=1e-5)
    assert (np.diff(share[: length // 2]) >= 0).all()
    rim, faded = 4 / 328 * length, (4 + FEATHER * 320) / 328 * length
    assert (share[: int(rim)] == 0).all()
    assert (share[int(np.ceil(faded)) : length // 2] == 1).all()


def test_an_even_difference_is_taken_away_everywhere() -> None:
    original = np.full((320, 320, 3), 100, np.uint8)
    levels = np.full((320, 320, 3), 80, np.float32)
    np.testing.assert_allclose(colour_shift(original, levels, 20), 20 - UNSEEN * (80 + LIFT), atol=1e-3)
    np.testing.assert_array_equal(colour_shift(original, levels + 19, 20), 0)


def test_light_is_a_ratio() -> None:
    """Where the face is brighter, a light of four fifths is put right by more levels."""
    original = np.full((320, 320, 3), 90, np.uint8)
    original[100:220, 100:220] = 180
    shift = colour_shift(original, original.astype(np.float32) * 0.8, 20)
    assert shift[160, 160, 0] > 1.3 * shift[0, 0, 0] > 1.3 * 15


def test_only_the_ring_counts_and_the_middle_follows() -> None:
    matrix = continuation(20)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    ring = np.zeros((20, 20), bool)
    ring[[0, -1]] = ring[:, [0, -1]] = True
    assert (matrix[:, ~ring.ravel()] == 0).all()
    assert (matrix >= -1e-6).all()
    original, levels = np.full((160, 160, 3), 100, np.uint8), np.full((160, 160, 3), 100, np.float32)
    levels[40:120, 40:120] = 0  # a mouth that is open in one and not in the other
    np.testing.assert_array_equal(colour_shift(original, levels, 20), 0)
