"""The face detector: BlazeFace for short range, as MediaPipe has it.

V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019, arXiv:1907.05047.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.weights import FACE_DETECTOR

SIDE = 128  # pixels of the network's square input
GRIDS = ((16, 2), (8, 6))  # cells in a row, and anchors in a cell
LOWEST_SCORE = 0.5  # of a face
OVERLAP = 0.3  # intersection over union, from which two boxes belong to one face
TILINGS = (1.0, 0.5)  # sides of the squares searched for smaller faces, as shares of the image's shorter side
SMALLEST_SQUARE = SIDE // 2  # pixels; enlarging smaller squares shows no more faces


@dataclass(frozen=True)
class Detection:
    """The approximate box and eyes of a face, in pixels of the image."""

    score: float  # 0 to 1
    box: tuple[float, float, float, float]  # left, top, right, bottom
    eyes: npt.NDArray[np.float64]  # (2, 2): x, y of the eye at the left of the image, then of the other


class FaceDetector:
    """Finds faces down to about a twentieth of the image's shorter side in width.

    threads: see `open_session`.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._session = open_session(FACE_DETECTOR, threads=threads)
        self._input = self._session.get_inputs()[0].name
        self._anchors = _anchors()

    def searches(self, image: npt.NDArray[np.uint8]) -> Iterator[list[Detection]]:
        """Search an image (H, W, 3) uint8 BGR; yields the faces of each search, highest score first.

        The first search covers the whole image, as in MediaPipe; the next ones cover it in squares, for smaller faces.
        A search runs when its result is needed.
        """
        height, width = image.shape[:2]
        longest = max(width, height)
        yield _merged(self._search(image, (width - longest) / 2, (height - longest) / 2, longest))
        for share in TILINGS:
            side = max(SMALLEST_SQUARE, round(min(width, height) * share))
            corners = [(x, y) for y in _steps(height, side) for x in _steps(width, side)]
            yield _merged([face for x, y in corners for face in self._search(image, x, y, side)])

    def _search(self, image: npt.NDArray[np.uint8], x: float, y: float, side: int) -> list[Detection]:
        """The faces in the square from (x, y), which is black beyond the image."""
        scale, corner = SIDE / side, np.array([x, y])
        # Linear and not INTER_AREA, because the network was trained with images resized this way.
        matrix = np.column_stack([np.eye(2) * scale, -corner * scale])
        square = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        values = square[np.newaxis, ..., ::-1].astype(np.float32) / 127.5 - 1
        regressors, logits = self._session.run(["regressors", "classificators"], {self._input: values})
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100, 100)))
        likely = np.flatnonzero(scores >= LOWEST_SCORE)
        faces = []
        for index in likely:
            # Middle, size, and six points, of which the first two are the eyes; in pixels of the square.
            pairs = regressors[0, index].astype(np.float64).reshape(8, 2)
            pairs[[0, *range(2, 8)]] += self._anchors[index] * SIDE
            middle, size = pairs[0] / scale + corner, pairs[1] / scale
            box = (*(middle - size / 2).tolist(), *(middle + size / 2).tolist())
            faces.append(Detection(float(scores[index]), box, pairs[2:4] / scale + corner))
        return faces


def overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _anchors() -> npt.NDArray[np.float64]:
    """The anchors to which predicted positions are relative, (896, 2) as shares of the input's side."""
    middles = []
    for cells, anchors in GRIDS:
        steps = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(steps, steps, indexing="ij")
        middles.append(np.stack([x, y], axis=-1).reshape(-1, 2).repeat(anchors, axis=0))
    return np.concatenate(middles)


def _steps(length: int, side: int) -> list[int]:
    """The starts of squares that cover `length` and overlap by at least half."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]


def _merged(faces: list[Detection]) -> list[Detection]:
    """Merge detections that overlap into their mean, weighted by their scores."""
    remaining = sorted(faces, key=lambda face: -face.score)
    merged = []
    while remaining:
        best = remaining[0]
        same = [face for face in remaining if face is best or overlap(face.box, best.box) > OVERLAP]
        remaining = [face for face in remaining if not any(face is other for other in same)]
        weights = np.array([face.score for face in same])
        left, top, right, bottom = np.average([face.box for face in same], axis=0, weights=weights).tolist()
        eyes = np.average([face.eyes for face in same], axis=0, weights=weights)
        merged.append(Detection(best.score, (left, top, right, bottom), eyes))
    return merged
