"""What tests of hostile packages share: how a package is refused, and how a folder becomes an archive."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.errors import PackageError
from frame_generation_pipeline.package.verify import verify_package
from hostile.manifests import Manifest

Edit = Callable[[Callable[[Manifest], object]], None]
Replace = Callable[[str, bytes], None]


def refused(path: Path, message: str) -> None:
    """Verification refuses `path` in one line, and nothing is written beside it."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(PackageError, match=message) as caught:
        verify_package(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.isprintable()
    assert len(text) < 600
    assert sorted(path.parent.rglob("*")) == before


def archived(folder: Path, *more: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """The folder as an archive, with further entries."""
    path = folder.with_suffix(".avatar")
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        for name, data in more:
            archive.writestr(name, data)
    return path


def png(width: int, height: int) -> bytes:
    return cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def jpg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()
