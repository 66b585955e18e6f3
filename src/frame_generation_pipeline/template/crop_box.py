"""The square around a face that is cut out, regenerated and written back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .landmarks import FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE

SMALLEST_BOX = 32  # pixels; below this a face has no detail to regenerate


@dataclass(frozen=True)
class CropBox:
    """A square in a frame: left and top edge and side, in pixels."""

    x: int
    y: int
    size: int

    @classmethod
    def from_landmarks(cls, landmarks: npt.NDArray[np.int32]) -> "CropBox":
        """The original's box: from one edge of the face to the other, downwards from the nose bridge.

        landmarks: (110, 2) int32 pixels.
        """
        left, right = int(landmarks[FACE_LEFT, 0]), int(landmarks[FACE_RIGHT, 0])
        return cls(left, int(landmarks[NOSE_BRIDGE, 1]), right - left)

    def problem(self, width: int, height: int) -> str | None:
        """Why this box cannot be used in a frame of `width` x `height` pixels, or None when it can."""
        if self.size < SMALLEST_BOX:
            return f"the face is {self.size} pixels wide, at least {SMALLEST_BOX} are needed"
        if self.x < 0 or self.y < 0 or self.x + self.size > width or self.y + self.size > height:
            return f"the face's box (x {self.x}, y {self.y}, side {self.size}) leaves the picture ({width}x{height})"
        return None

    def cut(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The box's pixels in `frame` (H, W, ...): a view (size, size, ...), so that writing to it writes the frame."""
        return frame[self.y : self.y + self.size, self.x : self.x + self.size]
