"""A template to train with, of speeches of which only the face's window was drawn."""

import json
from pathlib import Path

import numpy as np
import soundfile

from frame_generation_pipeline.media.video_reader import write_image
from frame_generation_pipeline.prepare.smoothing import smooth_landmarks
from frame_generation_pipeline.template.prepared import AUDIO, SUMMARY
from frame_generation_pipeline.template.template import FRAMES, landmark_file
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker
from frame_generation_pipeline.tracking.layout import to_110
from studio.presenter.portraits import read_image
from studio.presenter.speech import AUDIO as SPOKEN
from studio.presenter.timing import write_audio
from studio.presenter.window import read_frame, window_of


def write_template(folders: list[Path], output: Path) -> int:
    """Write frames, landmarks and audio of speeches as `framegen prepare` does; returns the number of frames.

    Faces are found in whole frames, as they are in use, and the windows are what the template shows. Features of the
    audio are for `framegen features` to make. Raises ValueError for a frame without a face.
    """
    landmarker = FaceLandmarker(threads=1)
    first, ranges, parts = 0, [], []
    (output / FRAMES).mkdir(parents=True, exist_ok=True)
    landmark_file(output, 0).parent.mkdir(exist_ok=True)
    for folder in folders:
        paths, points, previous = sorted((folder / "frames").glob("*.png")), [], None
        for path in paths:
            previous = _face(landmarker, path, previous)
            points.append(to_110(previous.points))
        left, top = window_of(paths[0])
        for number, (path, place) in enumerate(zip(paths, smooth_landmarks(np.stack(points)), strict=True), first):
            write_image(output / FRAMES / f"{number}.jpg", read_image(path))
            lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in place - (left, top))
            landmark_file(output, number).write_text(lines)
        parts.append(soundfile.read(folder / SPOKEN, dtype="float32")[0])
        ranges.append({"first": first})
        first += len(paths)
    write_audio(output / AUDIO, np.concatenate(parts))
    (output / SUMMARY).write_text(json.dumps({"frames": first, "ranges": ranges}) + "\n")
    return first


def _face(landmarker: FaceLandmarker, path: Path, previous: Face | None) -> Face:
    image = read_frame(path)
    face = landmarker.follow(image, previous) if previous else None
    face = face or next(iter(landmarker.faces(image)), None)
    if face is None:
        raise ValueError(f"{path}: a face was expected; draw the speech again")
    return face
