"""Find the faces in an image, each with its mesh."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.tracking.detector import Detection, FaceDetector, overlap
from frame_generation_pipeline.tracking.lips import lip_opening
from frame_generation_pipeline.tracking.mesh import EYE_CORNERS, FaceMesh, Region

LOWEST_PRESENCE = 0.5  # presence from which a mesh is accepted
SAME_FACE = 0.5  # overlap of boxes from which two meshes belong to one face


@dataclass(frozen=True, eq=False)
class Face:
    """A face in an image."""

    points: npt.NDArray[np.float32]  # (468, 3): x, y in pixels, and depth in the same unit, smaller is nearer
    score: float  # presence of a face, 0 to 1

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the points, in pixels."""
        left, top = self.points[:, :2].min(axis=0).tolist()
        right, bottom = self.points[:, :2].max(axis=0).tolist()
        return left, top, right, bottom

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


class FaceLandmarker:
    """Finds faces and their meshes. threads: see `open_session`."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._detector, self._mesh = FaceDetector(threads=threads), FaceMesh(threads=threads)

    def faces(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Find every face in an image (H, W, 3) uint8 BGR, the largest first; depends on the image alone."""
        meshes = (self._meshes(image, detections) for detections in self._detector.searches(image))
        return sorted(next(filter(None, meshes), []), key=lambda face: -face.area)

    def follow(self, image: npt.NDArray[np.uint8], previous: Face) -> Face | None:
        """Find the face near `previous` without a search of the image; None if it is not there."""
        return self._look(image, Region.around(previous.box, *previous.points[list(EYE_CORNERS), :2]))

    def lip_opening(self, image: npt.NDArray[np.uint8], face: Face, region: Face) -> float:
        """The opening of the lips of `face` in face scales, as the mean over the image and its mirror image.

        The mesh errs differently in a mirror image, so the mean is closer to the true lips than either value:
        docs/presenter.md has figures. region: where `face` was searched. If the mirror image shows no face, the opening
        is that of `face` alone.
        """
        points = region.points * (-1, 1, 1) + (image.shape[1] - 1, 0, 0)
        points[list(EYE_CORNERS)] = points[list(EYE_CORNERS[::-1])]
        mirrored = self.follow(np.ascontiguousarray(image[:, ::-1]), Face(points.astype(np.float32), region.score))
        return float(np.mean([lip_opening(mesh.points) for mesh in (face, mirrored) if mesh]))

    def _meshes(self, image: npt.NDArray[np.uint8], detections: list[Detection]) -> list[Face]:
        """The meshes of detections, without those of false detections."""
        faces: list[Face] = []
        for detection in detections:
            face = self._look(image, Region.around(detection.box, *detection.eyes))
            # The mesh is computed again from its own position, because the detector's boxes are unsteady.
            refined = self.follow(image, face) if face else None
            if refined and all(overlap(refined.box, other.box) < SAME_FACE for other in faces):
                faces.append(refined)
        return faces

    def _look(self, image: npt.NDArray[np.uint8], region: Region) -> Face | None:
        points, score = self._mesh.points(image, region)
        return Face(points, score) if score >= LOWEST_PRESENCE else None
