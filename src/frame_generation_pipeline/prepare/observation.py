"""Observe the person in each frame, and store the observations as records of fixed size."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.prepare.covered import COLOURS, Colours, mouth_colours
from frame_generation_pipeline.tracking.detector import overlap
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.lips import face_scale
from frame_generation_pipeline.tracking.mesh import POINTS

SEARCH_EVERY = 5  # frames between searches; in between, the face is only followed
FACE_SIDE = 160  # pixels; side to which a face is resized to measure its sharpness
THUMBNAIL = 32  # pixels; side to which images are resized for comparison
LEAST_CHANGE = 8.0  # grey levels; smallest change of the whole image at a cut
LEAST_MOVE = 0.2  # face scales; smallest motion of the face at a cut
VALUES = POINTS * 3 + 6 + COLOURS  # float32 in a record


@dataclass(frozen=True, eq=False)
class Observation:
    """The observation of one frame; without a face, `face` is None and its figures are 0."""

    number: int  # of the frame, on the audio's clock
    face: Face | None
    others: int  # number of other faces; counted every few frames, otherwise as before
    sharpness: float  # variance of the Laplacian of the face's grey levels, at a fixed size
    light: float  # mean grey level of the face, 0 to 255
    change: float = 0.0  # mean difference of the whole image's grey levels from the image before
    mouth: Colours = field(default_factory=lambda: np.zeros(COLOURS, np.float32))  # see `covered.mouth_colours`

    def to_record(self) -> npt.NDArray[np.float32]:
        """(VALUES,) float32."""
        points = self.face.points.ravel() if self.face else np.full(POINTS * 3, np.nan, np.float32)
        score = self.face.score if self.face else 0.0
        return np.concatenate(
            [points, np.array([self.number, score, self.others, self.sharpness, self.light, self.change]), self.mouth],
            dtype=np.float32,
        )

    @classmethod
    def from_record(cls, record: npt.NDArray[np.float32]) -> "Observation":
        """The observation that `to_record` wrote."""
        points = record[: POINTS * 3].reshape(POINTS, 3)
        number, score, others, sharpness, light, change = record[POINTS * 3 : -COLOURS].tolist()
        face = Face(points, score) if np.isfinite(points).all() else None
        return cls(int(number), face, int(others), sharpness, light, change, record[-COLOURS:])


class Observer:
    """Observes frames in order and follows one person, who is the largest in the first frame."""

    def __init__(self, previous: Observation | None = None, last_face: Face | None = None) -> None:
        self._landmarker = FaceLandmarker()
        self._previous, self._last_face = previous, last_face
        self._thumbnail: npt.NDArray[np.float32] | None = None

    def remember(self, image: npt.NDArray[np.uint8]) -> None:
        """Set the image (H, W, 3) uint8 BGR before the next one, which an earlier run observed."""
        self._thumbnail = _thumbnail(image)

    def observe(self, number: int, image: npt.NDArray[np.uint8]) -> Observation:
        """Observe the next frame (H, W, 3) uint8 BGR."""
        before, self._thumbnail = self._thumbnail, _thumbnail(image)
        change = 0.0 if before is None else float(np.abs(self._thumbnail - before).mean())
        # After a cut the face is elsewhere, but may overlap its last position.
        followed = self._previous.face if self._previous and change <= LEAST_CHANGE else None
        face = self._landmarker.follow(image, followed) if followed else None
        if face and followed and distance(followed, face) > LEAST_MOVE:
            face = self._landmarker.follow(image, face)
        others = self._previous.others if self._previous else 0
        if face is None or number % SEARCH_EVERY == 0:
            found = self._landmarker.faces(image)
            if face is None:
                face = self._same_person(found)
            others = sum(overlap(other.box, face.box) < 0.3 for other in found) if face else 0
        sharpness, light = _measure(image, face) if face else (0.0, 0.0)
        mouth = mouth_colours(image, face) if face else np.zeros(COLOURS, np.float32)
        # Rounded to the record's precision, so that a run resumed from records has the same values.
        self._previous = Observation.from_record(
            Observation(number, face, others, sharpness, light, change, mouth).to_record()
        )
        self._last_face = self._previous.face or self._last_face
        return self._previous

    def _same_person(self, found: list[Face]) -> Face | None:
        """The face at the person's last position, otherwise the largest."""
        last = self._last_face
        if last is not None:
            near = [face for face in found if overlap(face.box, last.box) > 0]
            if near:
                return max(near, key=lambda face: overlap(face.box, last.box))
        return found[0] if found else None


def distance(before: Face, after: Face) -> float:
    """The mean distance that the face's points moved, in face scales."""
    distances = np.linalg.norm((after.points - before.points)[:, :2].astype(np.float64), axis=1)
    return float(distances.mean()) / max(face_scale(after.points), 1.0)


def _thumbnail(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    small = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)


def _measure(image: npt.NDArray[np.uint8], face: Face) -> tuple[float, float]:
    left, top, right, bottom = (round(value) for value in face.box)
    crop = image[max(top, 0) : bottom, max(left, 0) : right]
    if not crop.size:
        return 0.0, 0.0
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var()), float(grey.mean())
