"""The part of a frame that a generator learns from: drawing and keeping it alone is faster and smaller."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt

from studio.presenter.portraits import read_image

BACKDROP = "backdrop.png"  # a whole frame beside the folder of frames of which only the window was drawn


class Window(NamedTuple):
    """Edges in pixels of the whole frame."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of_face(cls, size: int) -> "Window":
        """The face's box in frames of that many pixels, with room for the motion of the head and of boxes; even."""
        left, top, right, bottom = (2 * round(share * size / 2) for share in (0.236, 0.402, 0.764, 0.940))
        return cls(left, top, right, bottom)


def read_frame(path: Path) -> npt.NDArray[Any]:
    """(size, size, 3) uint8 BGR of a frame that `speech` wrote; a window lies in the whole frame beside its folder."""
    image = read_image(path)
    backdrop = path.parent.parent / BACKDROP
    if not backdrop.exists():
        return image
    whole = read_image(backdrop)
    left, top = window_of(path)
    whole[top : top + len(image), left : left + len(image[0])] = image
    return whole


def window_of(path: Path) -> tuple[int, int]:
    """Left and top edge in the whole frame of what a frame's file shows, in pixels."""
    backdrop = path.parent.parent / BACKDROP
    return Window.of_face(len(read_image(backdrop)))[:2] if backdrop.exists() else (0, 0)
