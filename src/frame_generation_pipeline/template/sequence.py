"""The frames of a template, independent of where they are stored, and the order in which they are shown."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame, Planes
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.images import to_planes
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop, ShownFrame


@dataclass(frozen=True)
class Background:
    """A complete frame in the form that encoders take, around a part that is painted anew."""

    planes: Planes  # read-only
    left: int  # left edge of the part in pixels, even
    top: int

    def around(self, part: Frame) -> Planes:
        """Return the frame with `part` (h, w, 3) BGR in its place; equals converting the complete frame afterwards."""
        whole, patch = self.planes.copy(), to_planes(part)
        height, width = patch.shape[0] * 2 // 3, patch.shape[1]
        rows = whole.shape[0] * 2 // 3
        whole[:rows][self.top : self.top + height, self.left : self.left + width] = patch[:height]
        chroma, patch_chroma = (
            planes[luma:].reshape(2, luma // 2, -1) for planes, luma in ((whole, rows), (patch, height))
        )
        top, left = self.top // 2, self.left // 2
        chroma[:, top : top + height // 2, left : left + width // 2] = patch_chroma
        return whole


@dataclass(frozen=True)
class TemplateFrame:
    """One frame of a template, with its crop box and the pixels of the box to keep."""

    image: npt.NDArray[np.uint8]  # (H, W, 3) BGR
    box: CropBox
    keep: npt.NDArray[np.bool_] | None  # (size, size); None without a parsing image
    background: Background | None = None  # the frame of which `image` is a part; None if it is the complete frame


class FrameSequence(ABC):
    """The frames of a template, read one by one when they are needed."""

    width: int  # pixels
    height: int  # pixels
    boxes: tuple[CropBox, ...]  # one for each frame

    @property
    @abstractmethod
    def path(self) -> Path:
        """The folder or file of the frames."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, index: int) -> TemplateFrame:
        """Decode frame `index`, counted from 0. Raises a FrameGenerationError if its image cannot be read."""

    def shown(self, i: int, start_frame: int = 0, loop: Loop = FORTH_AND_BACK) -> ShownFrame:
        """The frame shown in output frame `i`: the loop from position 1 on, `start_frame` frames later.

        Forth and back this is 1, 2, ..., n-1, n-2, ..., 0, 1, ... Raises OptionError if the loop has no frame
        `start_frame`.
        """
        frames = loop.frames(len(self))
        if not 0 <= start_frame < len(frames):
            last = len(frames) - 1
            raise OptionError(f"start frame {start_frame} does not exist; {self.path} has frames 0 to {last}")
        return loop.shown(i + 1 + start_frame, len(self))

    def index(self, i: int, start_frame: int = 0) -> int:
        """The template frame of output frame `i`, with frames shown forth and back as in the original."""
        return self.shown(i, start_frame).index
