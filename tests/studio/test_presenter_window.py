from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from faces import draw_face
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.template.prepared import recording_cuts
from frame_generation_pipeline.template.template import Template
from studio.presenter.template import write_template
from studio.presenter.window import BACKDROP, Window, read_frame

SIZE = 320


def speech(folder: Path, lefts: list[int], whole: bool) -> list[Frame]:
    """A speech of a face that moves to the right, and its whole frames; written whole or as windows."""
    images = [draw_face((SIZE, SIZE), (160 + left, 134), 230) for left in lefts]
    (folder / "frames").mkdir(parents=True)
    window = Window(0, 0, SIZE, SIZE) if whole else Window.of_face(SIZE)
    for number, image in enumerate(images):
        part = image[window.top : window.bottom, window.left : window.right]
        cv2.imwrite(str(folder / "frames" / f"{number:05d}.png"), part)
    if not whole:
        cv2.imwrite(str(folder / BACKDROP), images[0])
    soundfile.write(folder / "speech.wav", np.zeros(640 * len(lefts), np.float32), 16000)
    return images


@pytest.mark.parametrize("whole", [True, False])
def test_a_frame_is_read_whole(tmp_path: Path, whole: bool) -> None:
    images = speech(tmp_path, [0, 2], whole)
    shown = read_frame(tmp_path / "frames" / "00001.png")
    window = Window.of_face(SIZE)
    inside = slice(window.top, window.bottom), slice(window.left, window.right)
    assert shown.shape == images[1].shape
    assert np.array_equal(shown[inside], images[1][inside])
    assert np.array_equal(shown, images[1]) == whole


def test_a_template_of_windows_is_that_of_whole_frames_moved(tmp_path: Path) -> None:
    for name, all_of_it in (("whole", True), ("window", False)):
        folders = [tmp_path / name / part for part in ("first", "second")]
        for folder in folders:
            speech(folder, [0, 0, 1, 1], all_of_it)
        assert write_template(folders, tmp_path / f"{name} template") == 8
    window = Window.of_face(SIZE)
    whole, part = Template.open(tmp_path / "whole template"), Template.open(tmp_path / "window template")
    assert len(whole) == len(part) == 8
    for full, small in zip(whole.boxes, part.boxes, strict=True):
        assert (small.x + window.left, small.y + window.top, small.size) == pytest.approx(
            (full.x, full.y, full.size), abs=2
        )
        assert small.inside(window.right - window.left, window.bottom - window.top)
    assert recording_cuts(tmp_path / "window template") == (4,)
    assert soundfile.info(tmp_path / "window template" / "aud.wav").frames == 8 * 640


def test_a_frame_without_a_face_is_named(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "00000.png"), np.zeros((SIZE, SIZE, 3), np.uint8))
    with pytest.raises(ValueError, match=r"00000\.png: a face was expected"):
        write_template([tmp_path], tmp_path / "template")
