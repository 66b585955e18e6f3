"""The camera of bake and frames."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.face import anchors
from studio.presenter.part import Part


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along +y, as one would film a presenter.

    Attributes:
        centre: m, the point in the middle of the image.
        distance: m, from the camera to that point.
        width: m, of the image's plane through that point; images are square.
    """

    centre: tuple[float, float, float]
    distance: float = 1.35
    width: float = 0.305

    @property
    def position(self) -> tuple[float, float, float]:
        """m, of the camera."""
        x, y, z = self.centre
        return x, y - self.distance, z

    def project(self, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(..., 3) m to (..., 3): x right and y down in shares of the image, and depth from the camera in m."""
        x, y, z = np.moveaxis(points - np.array(self.centre), -1, 0)
        depth = self.distance + y
        scale = self.distance / (depth * self.width)
        return np.stack([0.5 + x * scale, 0.5 - z * scale, depth], axis=-1)

    def place(self, across: npt.NDArray[Any], down: npt.NDArray[Any], depth: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The inverse of `project`: (..., 3) m."""
        scale = depth * self.width / self.distance
        x, z = (across - 0.5) * scale, (0.5 - down) * scale
        return np.asarray(np.stack([x, depth - self.distance, z], axis=-1) + np.array(self.centre))


def frame_camera(parts: dict[str, Part]) -> Camera:
    """The camera of bake and frames: the face in the middle, shoulders below."""
    a = anchors(parts["skin"])
    return Camera((0.0, float(a["mouth"][1]), float(a["nose"][2]) - 0.010))
