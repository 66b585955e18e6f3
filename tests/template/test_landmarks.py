from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.errors import MissingFileError, TemplateError
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.landmarks import read_landmarks


def test_truncated_toward_zero(tmp_path: Path) -> None:
    path = tmp_path / "0.lms"
    path.write_text("1.9 2.1\n-1.9 3e1\n" + "5 6\n" * 108)
    points = read_landmarks(path)
    assert points.dtype == np.int32
    assert points[:3].tolist() == [[1, 2], [-1, 30], [5, 6]]


@pytest.mark.parametrize(
    "text",
    ["", "1 2\n" * 68, "1 2\n" * 111]
    + [f"{line}\n" * 110 for line in ("1 2 3", "a b", "1", "nan 1", "1e300 1", "ä ö")],
)
def test_malformed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "0.lms"
    path.write_text(text, "utf-8")
    with pytest.raises(TemplateError, match=r"0\.lms") as raised:
        read_landmarks(path)
    assert "\n" not in str(raised.value)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"0\.lms"):
        read_landmarks(tmp_path / "0.lms")


def test_box_of_the_original() -> None:
    points = np.zeros((110, 2), np.int32)
    points[1], points[31], points[52] = (30, 41), (79, 43), (54, 20)
    box = CropBox.from_landmarks(points)
    assert box == CropBox(30, 20, 49)
    frame = np.zeros((100, 100, 3), np.uint8)
    box.paste(frame, np.full((49, 49, 3), 7, np.uint8))
    assert frame.sum() == 7 * 3 * 49 * 49
    assert frame[20, 30].tolist() == [7, 7, 7]
    assert frame[68, 78].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        (CropBox(0, 0, 96), None),
        (CropBox(-26, 0, 50), "outside of the image"),
        (CropBox(103, 0, 50), "outside of the image"),
        (CropBox(0, -26, 50), "outside of the image"),
        (CropBox(0, 71, 50), "outside of the image"),
        (CropBox(0, 0, 31), "31 pixels wide"),
        (CropBox(50, 0, -20), "-20 pixels wide"),
    ],
)
def test_unusable_boxes(box: CropBox, problem: str | None) -> None:
    found = box.problem(128, 96)
    assert (problem is None and found is None) or (found is not None and problem is not None and problem in found)


@pytest.mark.parametrize("box", [CropBox(-10, -20, 50), CropBox(100, 60, 40), CropBox(-5, -9, 140), CropBox(3, 4, 50)])
def test_beyond_the_image_its_edge_is_repeated(box: CropBox) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    padded = np.pad(frame, ((64, 64), (64, 64), (0, 0)), mode="edge")
    place = slice(box.y + 64, box.y + 64 + box.size), slice(box.x + 64, box.x + 64 + box.size)
    np.testing.assert_array_equal(box.cut(frame), padded[place])
    np.testing.assert_array_equal(box.cut(frame[..., 0]), padded[..., 0][place])
    patch = np.random.default_rng(1).integers(0, 256, (box.size, box.size, 3), np.uint8)
    padded[place] = patch
    box.paste(frame, patch)
    np.testing.assert_array_equal(frame, padded[64:-64, 64:-64])
