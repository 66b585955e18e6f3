"""Write frames as numbered images into a folder, which holds the frames of one complete run at any time."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import OutputError, check_choice
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.files.output import complete_file, keep_special, prepare_folder
from frame_generation_pipeline.files.partial import SUFFIX, PartialFolder, PartialWriter
from frame_generation_pipeline.files.regular import is_regular
from frame_generation_pipeline.media.video_reader import check_quality, write_image

FRAME_FORMATS = ("png", "jpg")
OUR_NAMES = re.compile(r"frame_[0-9]{5,}\.(png|jpg)")
WORTH_KEEPING = 250  # images; as many as 10 s of video
MOVING = "moving"  # a file that says how many images there are, from when on they are moved out


class FrameFolderWriter(PartialWriter):
    """Writes images, `frame_00000.png` on, into a folder; use it as a context manager.

    They are written into the folder `.partial` inside of it and moved out when the `with` block ends; only then the
    frames of an earlier run disappear, in either format. Other files stay; images that have such names but are no
    earlier run's, because one before them is missing, are refused.
    quality: 0 to 100, of JPEG only. provenance: say in the files that they are made, see `media.provenance`.

    fingerprint: what the frames are made from, as JSON has it. Where something ends the block early, 250 images and
    more stay in `.partial`, and the next writer for the same folder, fingerprint and options begins with `done` frames,
    to be continued with frame `done`. Without a fingerprint nothing stays.

    Raises `OptionError` for another format or quality, and `OutputError` where the folder cannot be created or written
    to, at construction, where another process writes frames to it, on entering, and where a frame cannot be written or
    there was none, later.
    """

    def __init__(
        self,
        folder: Path,
        frame_format: str,
        quality: int = 95,
        *,
        provenance: bool = True,
        fingerprint: Mapping[str, Any] | None = None,
    ) -> None:
        check_choice("frame format", frame_format, FRAME_FORMATS)
        check_quality(quality)
        prepare_folder(folder)
        _check_earlier(folder)
        self._folder, self._suffix, self._quality = folder, f".{frame_format}", quality
        self._provenance = provenance
        images = {"format": frame_format, "quality": quality, "provenance": provenance, "opencv": cv2.__version__}
        self._fingerprint = None if fingerprint is None else {"frames": fingerprint, "images": images}
        self.done = 0  # frames that are written, also by an earlier run
        self._finished = False

    def __enter__(self) -> Self:
        # Inside the folder and not beside it: moving out stays a rename even where the folder is a mount of its own.
        self._partial = PartialFolder(self._folder / SUFFIX, self._folder, self._fingerprint)
        moving = self._partial.folder / MOVING
        if is_regular(moving) and (count := moving.read_bytes()[:20]).isdigit():
            self.done = int(count)
        else:
            for index, digest in enumerate(self._partial.recorded()):
                if not _is_whole(self._partial.folder / self.path(index).name, digest):
                    break
                self.done += 1
        return self

    def write(self, frame: npt.NDArray[np.uint8]) -> Path:
        """Append frame `done`, `(H, W, 3)` uint8 BGR, and return the path that it has once the block has ended."""
        path = self.path(self.done)
        written = self._partial.folder / path.name
        write_image(written, frame, self._quality, provenance=self._provenance)
        try:
            self._partial.record(self.done, bytes.fromhex(file_digest(written)))
        except OSError as failure:
            raise OutputError(f"{self._folder}: cannot be written ({failure.strerror}); check its rights") from failure
        self.done += 1
        return path

    def path(self, index: int) -> Path:
        """Where frame `index` is once the block has ended."""
        return self._folder / f"frame_{index:05d}{self._suffix}"

    def _end(self) -> bool:
        return self.done >= WORTH_KEEPING

    def finish(self) -> None:
        """Move the new frames in, over those of the same name, and remove what is left of an earlier run.

        The end of the `with` block calls it.
        """
        if self._finished:
            return
        if not self.done:
            raise OutputError(f"{self._folder}: no frame was written; give at least one")
        written = {self.path(index).name for index in range(self.done)}
        try:
            with complete_file(self._partial.folder / MOVING) as temporary:
                temporary.write_text(str(self.done))
            for name in sorted(written):
                if (image := self._partial.folder / name).exists():  # otherwise an earlier run has moved it
                    image.replace(self._folder / name)
            for name in sorted(_earlier(self._folder) - written, reverse=True):  # so that never one is missing between
                (self._folder / name).unlink()
        except OSError as failure:
            raise OutputError(f"{self._folder}: cannot be written ({failure.strerror}); check its rights") from failure
        self._finished = True


def _earlier(folder: Path) -> set[str]:
    """Names of images in a folder as a run writes them."""
    return {path.name for path in folder.iterdir() if OUR_NAMES.fullmatch(path.name)}


def _check_earlier(folder: Path) -> None:
    """Refuse images that an earlier run cannot have left: a run's are numbered from 0 without a gap."""
    names = _earlier(folder)
    for name in sorted(names):
        keep_special(folder / name)
        stem, suffix = name.split(".")
        index = int(stem.removeprefix("frame_"))
        if index and f"frame_{index - 1:05d}.{suffix}" not in names:
            raise OutputError(f"{folder / name}: is of no earlier run and would be removed; choose another folder")


def _is_whole(image: Path, digest: bytes) -> bool:
    """Whether an image is there, to its last byte, as it was written."""
    return is_regular(image) and bytes.fromhex(file_digest(image)) == digest
