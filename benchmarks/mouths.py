"""A sheet of mouths by phones: a person's as a video shows them, and below them an avatar's that says the same.

python -m benchmarks.mouths clip.mp4 clip.json -o sheet.png [--avatar may.avatar]

clip.json lists `[phone, start, end]` in seconds, phones as in ARPAbet; `python -m studio.presenter align` writes one.
Of each of the phones shown, the longest ones are, in the middle of their time. The sheet is to look at.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.evaluate.phones import Phone, read_phones
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.lips import face_scale, mouth_box
from frame_generation_pipeline.weights import PRESENTER

SHOWN = ("p", "b", "m", "f", "aa", "iy", "uw", "ow", "s")
SIDE, CAPTION = 180, 24  # pixels
COLUMNS = 9
WIDTH = 0.95  # of a mouth's square, in distances of the eyes' outer corners


def chosen(phones: Iterable[Phone], each: int) -> list[Phone]:
    """The longest `each` of every phone of `SHOWN`, in its order."""
    by_length = sorted(phones, key=lambda phone: phone.start - phone.end)
    return [phone for name in SHOWN for phone in [p for p in by_length if p.name == name][:each]]


def mouths(frames: Iterable[tuple[int, Frame]], numbers: set[int]) -> Iterator[tuple[int, Frame]]:
    """The squares around the mouth, `SIDE` pixels, of the frames with these numbers; none where no face is found."""
    landmarker = FaceLandmarker(threads=1)
    for number, image in frames:
        if number in numbers and (faces := landmarker.faces(image)):
            points = faces[0].points
            left, top, right, bottom = mouth_box(points)
            half = WIDTH * face_scale(points) / 2
            x, y = (left + right) / 2 - half, (top + bottom) / 2 - half
            scale = SIDE / (2 * half)
            move = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
            yield number, np.asarray(cv2.warpAffine(image, move, (SIDE, SIDE), flags=cv2.INTER_CUBIC), np.uint8)


def sheet(names: list[str], subjects: list[list[Frame | None]]) -> Frame:
    """The mouths of each subject, one for each name, under these; `COLUMNS` side by side, grey where none was found."""
    missing = np.full((SIDE, SIDE, 3), 128, np.uint8)
    columns = []
    for name, *shown in zip(names, *subjects, strict=True):
        caption = np.full((CAPTION, SIDE, 3), 255, np.uint8)
        cv2.putText(caption, name, (SIDE // 2 - 10, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        columns.append(np.vstack([caption, *(missing if mouth is None else mouth for mouth in shown)]))
    columns += [np.full_like(columns[0], 255)] * (-len(columns) % COLUMNS)
    return np.vstack([np.hstack(columns[i : i + COLUMNS]) for i in range(0, len(columns), COLUMNS)])


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, help="a video of one person who talks")
    parser.add_argument("phones", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--avatar", type=Path, default=PRESENTER)
    parser.add_argument("--each", type=int, default=2, help="of each phone")
    parser.add_argument("--av-offset", type=int, default=0, help="ms that the clip's audio comes after its lips")
    arguments = parser.parse_args()
    avatar = Avatar.load(arguments.avatar)
    fps = avatar.generator.spec.audio.fps
    phones = chosen(read_phones(arguments.phones), arguments.each)
    spoken = [int((phone.start + phone.end) / 2 * fps) for phone in phones]
    seen = [max(0, round(number - arguments.av_offset / 1000 * fps)) for number in spoken]
    own = dict(mouths(Recording.open(arguments.clip).frames(fps), set(seen)))
    generated = dict(mouths(enumerate(avatar.frames(arguments.clip)), set(spoken)))
    names = [phone.name for phone in phones]
    cv2.imwrite(str(arguments.output), sheet(names, [[own.get(n) for n in seen], [generated.get(n) for n in spoken]]))


if __name__ == "__main__":
    main()
