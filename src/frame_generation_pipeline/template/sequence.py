"""What is common to every recording, whatever it is kept in: numbered frames, visited forth and back."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop, Place


@dataclass(frozen=True)
class TemplateFrame:
    """One frame of the recording, with the face's box and which of the box's pixels must stay as they are."""

    image: npt.NDArray[np.uint8]  # (H, W, 3) BGR
    box: CropBox
    keep: npt.NDArray[np.bool_] | None  # (size, size); None where there is no parsing picture


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
        """Decode frame `index`, counted from 0; raises a FrameGenerationError when its picture is not readable."""

    def place(self, i: int, start_frame: int = 0, loop: Loop = FORTH_AND_BACK) -> Place:
        """What the `i`-th output shows: the loop's places from 1 on, entered `start_frame` frames later.

        Forth and back that is 1, 2, ..., n-1, n-2, ..., 0, 1, ... Raises OptionError when there is no frame
        `start_frame`, of those that the loop goes over.
        """
        frames = loop.frames(len(self))
        if not 0 <= start_frame < len(frames):
            last = len(frames) - 1
            raise OptionError(f"start frame {start_frame} does not exist; {self.path} has frames 0 to {last}")
        return loop.place(i + 1 + start_frame, len(self))

    def index(self, i: int, start_frame: int = 0) -> int:
        """Which frame the `i`-th output uses where frames are shown forth and back, as the original does."""
        return self.place(i, start_frame).index
