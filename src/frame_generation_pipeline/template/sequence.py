"""What is common to every recording, whatever it is kept in: numbered frames, visited forth and back."""

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
    """A whole frame as encoders take it, around a part that is made anew."""

    planes: Planes  # to be read only
    left: int  # pixels, even; of the part
    top: int

    def around(self, part: Frame) -> Planes:
        """The frame with `part` (h, w, 3) BGR in its place: the same bits as the whole converted afterwards."""
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
    """One frame of the recording, with the face's box and which of the box's pixels must stay as they are."""

    image: npt.NDArray[np.uint8]  # (H, W, 3) BGR
    box: CropBox
    keep: npt.NDArray[np.bool_] | None  # (size, size); None where there is no parsing image
    background: Background | None = None  # of which `image` is a part; None where it is the whole frame


class FrameSequence(ABC):
    """A recording's frames, read one by one, when they are asked for."""

    width: int  # pixels
    height: int  # pixels
    boxes: tuple[CropBox, ...]  # the face's, one a frame

    @property
    @abstractmethod
    def path(self) -> Path:
        """The folder or file that the frames are in."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, index: int) -> TemplateFrame:
        """Decode frame `index`, counted from 0; raises a FrameGenerationError when its image is not readable."""

    def shown(self, i: int, start_frame: int = 0, loop: Loop = FORTH_AND_BACK) -> ShownFrame:
        """What the `i`-th output shows: the loop's places from 1 on, entered `start_frame` frames later.

        Forth and back that is 1, 2, ..., n-1, n-2, ..., 0, 1, ... Raises OptionError when there is no frame
        `start_frame`, of those that the loop goes over.
        """
        frames = loop.frames(len(self))
        if not 0 <= start_frame < len(frames):
            last = len(frames) - 1
            raise OptionError(f"start frame {start_frame} does not exist; {self.path} has frames 0 to {last}")
        return loop.shown(i + 1 + start_frame, len(self))

    def index(self, i: int, start_frame: int = 0) -> int:
        """Which frame the `i`-th output uses where frames are shown forth and back, as the original does."""
        return self.shown(i, start_frame).index
