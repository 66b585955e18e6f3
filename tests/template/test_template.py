import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.errors import FrameGenerationError, MissingFileError, OptionError, TemplateError
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.template import Template, kept_pixels
from samples import write_template


def test_frames_boxes_and_images(template_dir: Path) -> None:
    template = Template.open(template_dir)
    assert (len(template), template.width, template.height) == (3, 128, 96)
    assert template.boxes == (CropBox(30, 20, 48), CropBox(31, 21, 49), CropBox(32, 22, 50))
    frame = template.read(1)
    np.testing.assert_array_equal(frame.image, cv2.imread(str(template_dir / "full_body_img" / "1.jpg")))
    assert frame.box == template.boxes[1]
    assert frame.keep is None


def test_parsing_keeps_red_and_white(tmp_path: Path) -> None:
    template = Template.open(write_template(tmp_path / "t", parsing=True), parsing=True)
    keep = template.read(0).keep
    assert keep is not None
    assert keep.shape == (48, 48)
    assert keep[:14].all()  # the box begins at y = 20; red down to 30, white down to 34
    assert not keep[14:].any()
    colours = np.array([[[0, 0, 255], [255, 255, 255], [255, 0, 255], [0, 0, 254], [255, 0, 0]]], np.uint8)
    assert kept_pixels(colours).tolist() == [[True, True, False, False, False]]


def test_numbered_from_one_and_png(template_dir: Path) -> None:
    for folder, suffix in (("full_body_img", ".jpg"), ("landmarks", ".lms")):
        for i in (2, 1, 0):
            (template_dir / folder / f"{i}{suffix}").rename(template_dir / folder / f"{i + 1}{suffix}")
    image = read_image(template_dir / "full_body_img" / "2.jpg")
    (template_dir / "full_body_img" / "2.jpg").unlink()
    cv2.imwrite(str(template_dir / "full_body_img" / "2.png"), image)
    (template_dir / "full_body_img" / ".DS_Store").touch()
    template = Template.open(template_dir)
    assert len(template) == 3
    np.testing.assert_array_equal(template.read(1).image, image)


@pytest.mark.parametrize(
    ("frames", "start", "expected"),
    [
        (4, 0, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2]),
        (4, 2, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]),
        (4, 3, [2, 1, 0, 1, 2, 3, 2, 1, 0, 1]),
        (2, 0, [1, 0, 1, 0]),
        (1, 0, [0, 0, 0]),
    ],
)
def test_order(tmp_path: Path, frames: int, start: int, expected: list[int]) -> None:
    template = Template.open(write_template(tmp_path / "t", frames))
    assert [template.index(i, start) for i in range(len(expected))] == expected


def test_order_is_the_originals_walk() -> None:
    """The original's own loop, which turns where its index would leave the recording."""

    def walk(frames: int) -> Iterator[int]:
        index = step = 0
        while True:
            step = -1 if index > frames - 2 else 1 if index < 1 else step
            index += step
            yield index

    for frames in (2, 3, 5, 8):
        template = Template(Path(), 1, 1, (Path(),) * frames, (), None)
        expected = list(islice(walk(frames), 40))
        assert [template.index(i) for i in range(40)] == expected


def test_start_frame_must_exist(template_dir: Path) -> None:
    for start in (-1, 3):
        with pytest.raises(OptionError, match="has frames 0 to 2"):
            Template.open(template_dir).index(0, start)


def test_missing_folders(tmp_path: Path, template_dir: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        Template.open(tmp_path / "nowhere")
    with pytest.raises(MissingFileError, match="parsing"):
        Template.open(template_dir, parsing=True)
    shutil.rmtree(template_dir / "landmarks")
    with pytest.raises(MissingFileError, match="landmarks"):
        Template.open(template_dir)


def test_all_problems_at_once(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "t", 9, parsing=True)
    images, landmarks = folder / "full_body_img", folder / "landmarks"
    (images / "1.jpg").unlink()  # a gap
    (landmarks / "2.lms").unlink()
    (landmarks / "3.lms").write_text("1 2\n" * 68)
    (images / "4.jpg").write_bytes((images / "4.jpg").read_bytes()[:-200])  # cut off
    cv2.imwrite(str(images / "5.jpg"), np.zeros((90, 128, 3), np.uint8))  # another size
    (landmarks / "6.lms").write_text("500 2\n" * 110)  # no box
    cv2.imwrite(str(folder / "parsing" / "7.png"), np.zeros((9, 9, 3), np.uint8))
    (images / "8.jpg").write_bytes(b"no image at all")
    with pytest.raises(TemplateError) as raised:
        Template.open(folder, parsing=True)
    message = str(raised.value)
    for part in (
        "frames 1 are missing",
        "2.lms: no such",
        "3.lms: 68 points",
        "4.jpg: a damaged",
        "5.jpg: is 128x90, the others are 128x96",
        "6.lms: the face is 0 pixels",
        "7.png: is not of its frame's size",
        "8.jpg: neither",
    ):
        assert part in message
    assert "\n" not in message


def test_many_problems_are_counted(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "t", 30)
    shutil.rmtree(folder / "landmarks")
    (folder / "landmarks").mkdir()
    with pytest.raises(TemplateError, match="and 10 more"):
        Template.open(folder)


def test_no_frames_twice_and_late_start(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "t", 3)
    shutil.copy(folder / "full_body_img" / "1.jpg", folder / "full_body_img" / "01.jpg")
    with pytest.raises(TemplateError, match="frame 1 is there twice"):
        Template.open(folder)
    for path in (folder / "full_body_img").iterdir():
        path.unlink()
    with pytest.raises(TemplateError, match="no frames"):
        Template.open(folder)
    cv2.imwrite(str(folder / "full_body_img" / "2.jpg"), np.zeros((96, 128, 3), np.uint8))
    with pytest.raises(TemplateError, match="first frame is 2"):
        Template.open(folder)


def test_image_that_vanishes_after_the_check(template_dir: Path) -> None:
    template = Template.open(template_dir)
    (template_dir / "full_body_img" / "1.jpg").unlink()
    with pytest.raises(FrameGenerationError, match=r"1\.jpg"):
        template.read(1)


def test_a_gap_of_any_size(template_dir: Path) -> None:
    images = template_dir / "full_body_img"
    shutil.copy(images / "1.jpg", images / "9000000000000.jpg")
    with pytest.raises(
        TemplateError, match="frames 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 8999999999987 more are missing"
    ):
        Template.open(template_dir)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_image_size(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    cv2.imwrite(str(path), np.zeros((37, 53, 3), np.uint8))
    assert image_size(path) == (53, 37)
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 7):
        path.write_bytes(content[:length])
        with pytest.raises(TemplateError, match="x"):
            image_size(path)


def test_image_size_with_metadata_and_fill_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    cv2.imwrite(str(path), np.zeros((37, 53, 3), np.uint8))
    content = path.read_bytes()
    exif = b"\xff\xff\xe1\x00\x06\xff\xd8\xff\xc0"[:1] + b"\xff\xe1\x00\x06abcd"
    path.write_bytes(content[:2] + exif + content[2:])
    assert image_size(path) == (53, 37)


def test_real_template(real_dir: Path) -> None:
    template = Template.open(real_dir / "person")
    assert (len(template), template.width, template.height) == (120, 1280, 720)


def test_reference_template(reference_dir: Path) -> None:
    template = Template.open(reference_dir / "template", parsing=True)
    assert (len(template), template.width, template.height) == (7, 640, 360)
    assert max(template.boxes, key=lambda box: box.size) == template.boxes[3]
