from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.presenter.pictures import read_picture


def test_a_picture_is_read_as_it_was_written(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "frame.png"), picture)
    assert np.array_equal(read_picture(tmp_path / "frame.png"), picture)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "frame.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match=r"frame\.png: a picture was expected"):
        read_picture(tmp_path / "frame.png")
