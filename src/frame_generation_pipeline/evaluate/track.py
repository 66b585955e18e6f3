"""Measure the frames of one subject, such as the output or a baseline; its figures follow from these values."""

from collections import deque
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.evaluate.compare import SSIM_SIDE, ssim
from frame_generation_pipeline.evaluate.figures import (
    Box,
    cut,
    edge_gradient,
    mouth_square,
    second_difference,
    sharpness,
    squared_error,
)
from frame_generation_pipeline.spec import FaceSpec
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.tracking.detector import overlap
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.lips import (
    INNER_LIPS,
    OUTER_LIPS,
    face_scale,
    lip_points,
    mouth_box,
)

LEAST_OVERLAP = 0.1  # share of a face's overlap with the crop box, from which it is the template's person
SMALLEST_MOUTH = SSIM_SIDE  # pixels; smaller mouth squares are not compared
FACE_SIDE = 320  # pixels; side of a crop box to which distances are scaled
LIP_POINTS = len(OUTER_LIPS) + len(INNER_LIPS)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The face of a frame of the recording, with which rendered faces are compared."""

    box: CropBox
    region: Face | None  # where the mesh is fitted, in this frame and in all frames rendered from it
    face: Face | None  # the face that is found in the region
    mouth: Box | None  # the square in which mouths are compared

    @classmethod
    def of(cls, image: Frame, box: CropBox, landmarker: FaceLandmarker) -> "GroundTruth":
        """Find the face of a frame; `face` and `mouth` are None without a face in its box."""
        around = (box.x, box.y, box.x + box.size, box.y + box.size)
        faces = [face for face in landmarker.faces(image) if overlap(face.box, around) >= LEAST_OVERLAP]
        region = max(faces, key=lambda face: overlap(face.box, around), default=None)
        # The face is found again from the region, as in all rendered frames, so that equal images give equal points.
        face = landmarker.follow(image, region) if region else None
        square = _in_image(mouth_square(mouth_box(face.points), box), image) if face else (0, 0, 0, 0)
        shown = min(square[2] - square[0], square[3] - square[1]) >= SMALLEST_MOUTH
        return cls(box, region, face, square if shown else None)


class Track:
    """The values of each measure, one for each of `size` frames; NaN if a frame has none."""

    def __init__(self, size: int, face: FaceSpec, landmarker: FaceLandmarker) -> None:
        self._landmarker, self._face = landmarker, face
        names = (
            "error",
            "ssim",
            "mouth_error",
            "mouth_ssim",
            "sharpness",
            "distance",
            "distance_px",
            "opening",
            "seam",
            "inner_seam",
            "flicker",
        )
        self._values = {name: np.full(size, np.nan) for name in names}
        self.lips = np.full((size, LIP_POINTS, 2), np.nan)  # pixels
        self._recent: deque[tuple[int, Frame, Box | None]] = deque(maxlen=3)

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """The values (size,) of one measure."""
        return self._values[name]

    def add(self, row: int, image: Frame, truth: GroundTruth, original: Frame | None = None) -> None:
        """Measure `image`, which was rendered from the frame of `truth`, as frame `row`; rows must come in order.

        original: the image of that frame of the recording, if the output is to be compared with it.
        """
        self._look(row, image, truth)
        self._put(row, "seam", edge_gradient(image, truth.box))
        scale = truth.box.size / self._face.crop_size
        self._put(row, "inner_seam", edge_gradient(image, truth.box, self._face.margin * scale, max(1, ceil(scale))))
        if original is not None:
            output, expected = truth.box.visible(image), truth.box.visible(original)
            self._put(row, "error", squared_error(output, expected))
            self._put(row, "ssim", ssim(output, expected))
            if truth.mouth:
                mouth, true_mouth = cut(image, truth.mouth), cut(original, truth.mouth)
                self._put(row, "mouth_error", squared_error(mouth, true_mouth))
                self._put(row, "mouth_ssim", ssim(mouth, true_mouth))
        if truth.mouth:
            self._put(row, "sharpness", sharpness(cut(image, truth.mouth), scale))
        self._recent.append((row, image, truth.mouth))
        self._flicker()

    def _look(self, row: int, image: Frame, truth: GroundTruth) -> None:
        """Find and measure the lips in the image."""
        region = truth.region
        face = self._landmarker.follow(image, region) if region else None
        if region is None or face is None or truth.face is None:
            return
        self.lips[row] = lip_points(face.points)
        self._put(row, "opening", self._landmarker.lip_opening(image, face, region))
        distance = np.linalg.norm(self.lips[row] - lip_points(truth.face.points), axis=1).mean()
        self._put(row, "distance", distance / face_scale(truth.face.points))
        self._put(row, "distance_px", distance * FACE_SIDE / truth.box.size)

    def _flicker(self) -> None:
        """Measure the second difference around the last frame but one, if the last three are consecutive."""
        rows = [row for row, _, _ in self._recent]
        if len(rows) == 3 and rows[2] - rows[0] == 2 and (mouth := self._recent[1][2]):
            before, middle, after = (cut(image, mouth) for _, image, _ in self._recent)
            self._put(rows[1], "flicker", second_difference(before, middle, after))

    def _put(self, row: int, name: str, value: float) -> None:
        self._values[name][row] = value


def _in_image(box: Box, image: Frame) -> Box:
    """The part of the box inside the image; it may be empty."""
    height, width = image.shape[:2]
    left, right = (min(max(value, 0), width) for value in (box[0], box[2]))
    top, bottom = (min(max(value, 0), height) for value in (box[1], box[3]))
    return left, top, right, bottom
