"""The square around a face that is cut out, painted anew and written back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.template.landmarks import FACE_LEFT, FACE_RIGHT, NOSE_BRIDGE

SMALLEST_BOX = 32  # pixels; smaller faces have no detail


@dataclass(frozen=True)
class CropBox:
    """A square in a frame, left and top edge and side in pixels; it may reach beyond the image on any side."""

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
        """The reason why this box cannot be used in a frame of `width` x `height` pixels, or None.

        Its middle pixel (x + size // 2, y + size // 2) must be inside the image, so that the image shows the face.
        """
        if self.size < SMALLEST_BOX:
            return f"the face is {self.size} pixels wide, at least {SMALLEST_BOX} are needed"
        if not (0 <= self.x + self.size // 2 < width and 0 <= self.y + self.size // 2 < height):
            box = f"x {self.x}, y {self.y}, side {self.size}"
            return f"the middle of the face's box ({box}) lies outside of the image ({width}x{height})"
        return None

    def inside(self, width: int, height: int) -> bool:
        """Whether the whole box lies in a frame of `width` x `height` pixels."""
        return min(self.x, self.y) >= 0 and self.x + self.size <= width and self.y + self.size <= height

    def cut(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The box's pixels (size, size, ...) in `frame` (H, W, ...), read-only.

        Beyond the image, its edge is repeated.
        """
        height, width = frame.shape[:2]
        if self.inside(width, height):
            return self.visible(frame)
        rows = np.arange(self.y, self.y + self.size).clip(0, height - 1)
        columns = np.arange(self.x, self.x + self.size).clip(0, width - 1)
        return np.asarray(frame[rows[:, np.newaxis], columns])

    def visible(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The part of the box inside `frame` (H, W, ...), as a view: writing to it changes the frame."""
        return frame[max(self.y, 0) : self.y + self.size, max(self.x, 0) : self.x + self.size]

    def paste(self, frame: npt.NDArray[np.uint8], patch: npt.NDArray[np.uint8]) -> None:
        """Write the part of `patch` (size, size, ...) that is inside `frame` (H, W, ...) over the box."""
        part = self.visible(frame)
        top, left = max(-self.y, 0), max(-self.x, 0)
        part[:] = patch[top : top + part.shape[0], left : left + part.shape[1]]
