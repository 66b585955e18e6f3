"""The face mesh: 468 points of a face, as MediaPipe has them.

Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019, arXiv:1907.06724.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.weights import FACE_MESH

POINTS = 468
SIDE = 192  # pixels of the network's square input
AROUND = 1.5  # side of the mesh's region, in sides of the face's box
EYE_CORNERS = (33, 263)  # points; the outer ones, on the left of the image and on the right


@dataclass(frozen=True)
class Region:
    """A square of an image, rotated so that the face in it is upright; pixels and radians."""

    middle: tuple[float, float]
    side: float
    angle: float  # clockwise; that of the line between the eyes

    @classmethod
    def around(
        cls, box: tuple[float, float, float, float], left_eye: npt.ArrayLike, right_eye: npt.ArrayLike
    ) -> "Region":
        """The square for a face's box (left, top, right, bottom) and its eyes, left and right in the image."""
        x, y = np.subtract(right_eye, left_eye)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        return cls(middle, AROUND * max(box[2] - box[0], box[3] - box[1]), float(np.arctan2(y, x)))

    def to_image(self) -> npt.NDArray[np.float64]:
        """(2, 3): from pixels of the network's input to those of the image."""
        scale = self.side / SIDE
        cos, sin = scale * np.cos(self.angle), scale * np.sin(self.angle)
        turned = np.array([[cos, -sin], [sin, cos]])
        offset = np.array(self.middle) - turned @ np.full(2, SIDE / 2)
        return np.column_stack([turned, offset])


class FaceMesh:
    """Finds the points of the face in a region. threads: see `open_session`."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._session = open_session(FACE_MESH, threads=threads)
        self._input = self._session.get_inputs()[0].name

    def points(self, image: npt.NDArray[np.uint8], region: Region) -> tuple[npt.NDArray[np.float32], float]:
        """Find the points (468, 3) float32 of the face in `region` of an image (H, W, 3) uint8 BGR, and its presence.

        Points are x and y in pixels of the image and depth in the same unit, smaller is nearer. Presence: 0 to 1.
        """
        matrix = region.to_image()
        crop = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        values = crop[np.newaxis, ..., ::-1].astype(np.float32) / 255
        coordinates, logit = (output.ravel() for output in self._session.run(None, {self._input: values}))
        points = coordinates.reshape(POINTS, 3).astype(np.float64)
        placed = np.column_stack([points[:, :2] @ matrix[:, :2].T + matrix[:, 2], points[:, 2] * region.side / SIDE])
        return placed.astype(np.float32), float(1 / (1 + np.exp(-np.clip(float(logit[0]), -100, 100))))
