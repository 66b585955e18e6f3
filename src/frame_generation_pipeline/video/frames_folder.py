"""Write frames as numbered pictures into a folder, which holds the frames of one complete run at any time."""

import re
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from frame_generation_pipeline.errors import OptionError, OutputError
from frame_generation_pipeline.output import prepare_folder, temporary_beside
from frame_generation_pipeline.video.reader import write_image

OUR_NAMES = re.compile(r"frame_[0-9]{5,}\.(png|jpg)")


class FrameFolderWriter:
    """Pictures `frame_00000.png` on in a folder; use it as a context manager.

    They are written into a hidden folder inside of it and moved out when the `with` block ends; only then the frames of
    an earlier run disappear, in either format. Other files stay. After any exception the folder is as it was.
    quality: 0 to 100, of JPEG only.

    Raises `OptionError` for another format or quality, and `OutputError` where the folder cannot be created or written
    to, at construction, and where a frame cannot be written or there was none, later.
    """

    def __init__(self, folder: Path, frame_format: str, quality: int = 95) -> None:
        if frame_format not in ("png", "jpg"):
            raise OptionError(f"unknown frame format {frame_format!r}; use png or jpg")
        if not 0 <= quality <= 100:
            raise OptionError(f"impossible JPEG quality {quality}; give 0 to 100 (best)")
        prepare_folder(folder)
        self._folder, self._suffix, self._quality = folder, f".{frame_format}", quality
        self._frames = 0  # written so far

    def __enter__(self) -> Self:
        # Inside the folder and not beside it: moving out stays a rename even where the folder is a mount of its own.
        self._temporary = temporary_beside(self._folder / "frames")
        self._temporary.mkdir()
        return self

    def write(self, frame: NDArray[np.uint8]) -> Path:
        """Append one frame `(H, W, 3)` uint8 BGR and return the path that it has once the block has ended."""
        path = self.path(self._frames)
        write_image(self._temporary / path.name, frame, self._quality)
        self._frames += 1
        return path

    def path(self, index: int) -> Path:
        """Where frame `index` is once the block has ended."""
        return self._folder / f"frame_{index:05d}{self._suffix}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _finish(self) -> None:
        """Move the new frames in, over those of the same name, and remove what is left of an earlier run."""
        if not self._frames:
            raise OutputError(f"{self._folder}: no frame was written; give at least one")
        written = {file.name for file in self._temporary.iterdir()}
        try:
            for name in sorted(written):
                (self._temporary / name).replace(self._folder / name)
            for file in list(self._folder.iterdir()):
                if OUR_NAMES.fullmatch(file.name) and file.name not in written:
                    file.unlink()
        except OSError as failure:
            raise OutputError(f"{self._folder}: cannot be written ({failure.strerror}); check its rights") from failure
