from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.presenter.portraits import read_image


def test_a_image_is_read_as_it_was_written(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "frame.png"), image)
    assert np.array_equal(read_image(tmp_path / "frame.png"), image)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "frame.png").write_bytes(b"no image")
    with pytest.raises(OSError, match=r"frame\.png: an image was expected"):
        read_image(tmp_path / "frame.png")
