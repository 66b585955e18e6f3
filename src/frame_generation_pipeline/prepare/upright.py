"""Refuse a recording that lies on its side without saying so, before it is read from end to end."""

from contextlib import closing
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import VideoError
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.prepare.selection import MOST_ROLLED
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.lips import roll

# What makes the image upright, in OpenCV's words and in FFmpeg's.
TURNS = {
    cv2.ROTATE_90_CLOCKWISE: "transpose=clock",
    cv2.ROTATE_90_COUNTERCLOCKWISE: "transpose=cclock",
    cv2.ROTATE_180: "vflip,hflip",
}
UPRIGHT, NOT_SEEN = -1, -2

CHECKED = 3  # frames of the first second
EVERY = 8  # frames
SURER = 1e-4  # by which a face must be more certain on its head: the mesh takes one for an upright face too


def check_upright(recording: Recording, fps: int) -> None:
    """Raise VideoError where the first frames show a face that lies on its side or stands on its head, all alike."""
    landmarker = FaceLandmarker()
    with closing(recording.frames(fps)) as frames:
        checked = [_turn(landmarker, image) for _, image in islice(frames, 0, CHECKED * EVERY, EVERY)]
    if turns := set(checked) - {NOT_SEEN}:
        turn = turns.pop()
        if turn in TURNS and not turns:
            filters = TURNS[turn]
            raise VideoError(
                f"{recording.path}: the face lies on its side or stands on its head; turn the recording first"
                f" (ffmpeg -i IN -vf {filters} OUT)"
            )


def _turn(landmarker: FaceLandmarker, image: npt.NDArray[np.uint8]) -> int:
    """Which of `TURNS` makes the largest face upright; `UPRIGHT` or `NOT_SEEN`."""
    found = {UPRIGHT: _upright_score(landmarker, image)}
    turned = {turn: np.asarray(cv2.rotate(image, turn), np.uint8) for turn in TURNS}
    found[cv2.ROTATE_180] = _upright_score(landmarker, turned[cv2.ROTATE_180]) - SURER
    if max(found.values()) <= 0:
        found |= {turn: _upright_score(landmarker, turned[turn]) for turn in TURNS}
    best = max(found, key=lambda turn: found[turn])
    return best if found[best] > 0 else NOT_SEEN


def _upright_score(landmarker: FaceLandmarker, image: npt.NDArray[np.uint8]) -> float:
    """How surely the largest face in an image is one, where it is upright; otherwise 0."""
    faces = landmarker.faces(image)
    return faces[0].score if faces and abs(roll(faces[0].points)) <= MOST_ROLLED else 0.0
