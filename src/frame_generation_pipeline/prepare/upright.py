"""Refuse a recording that is rotated without metadata about it, before it is read from end to end."""

from collections.abc import Sequence
from contextlib import closing
from itertools import islice

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import VideoError
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.prepare.selection import MOST_ROLLED
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.lips import roll

# The rotations that make the image upright, by OpenCV's and FFmpeg's names.
TURNS = {
    cv2.ROTATE_90_CLOCKWISE: "transpose=clock",
    cv2.ROTATE_90_COUNTERCLOCKWISE: "transpose=cclock",
    cv2.ROTATE_180: "vflip,hflip",
}
CHECKED = 3  # frames of the first second
EVERY = 8  # frames
SURE = 0.9  # mean score of a face, which an upright one has; below, the recording may lie on its side


def check_upright(recording: Recording, fps: int) -> None:
    """Raise VideoError where the first frames show a face that lies on its side or stands on its head."""
    with closing(recording.frames(fps)) as frames:
        turn = _find_turn([image for _, image in islice(frames, 0, CHECKED * EVERY, EVERY)])
    if turn is not None:
        raise VideoError(
            f"{recording.path}: the face lies on its side or stands on its head; turn the recording first"
            f" (ffmpeg -i IN -vf {TURNS[turn]} OUT)"
        )


def _find_turn(images: Sequence[Frame]) -> int | None:
    """Return which of `TURNS` makes the largest face upright; None where it is, or where none is seen.

    The mesh at times takes a face on its head for an upright one, though less surely: all images count together.
    """
    landmarker = FaceLandmarker()
    scores: dict[int | None, float] = {None: sum(_upright_score(landmarker, image) for image in images)}

    def measure(*turns: int) -> None:
        for turn in turns:
            turned = (np.asarray(cv2.rotate(image, turn), np.uint8) for image in images)
            scores[turn] = sum(_upright_score(landmarker, image) for image in turned)

    measure(cv2.ROTATE_180)
    if max(scores.values()) < SURE * len(images):
        measure(cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return max(scores, key=lambda turn: scores[turn])


def _upright_score(landmarker: FaceLandmarker, image: Frame) -> float:
    """How surely the largest face in an image is one, 0 to 1, where it is upright; otherwise 0."""
    faces = landmarker.faces(image)
    return faces[0].score if faces and abs(roll(faces[0].points)) <= MOST_ROLLED else 0.0
