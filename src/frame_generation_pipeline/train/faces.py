"""Store the faces of a template with their surroundings in a file, so that each is resized once."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.files.regular import is_regular
from frame_generation_pipeline.files.room import check_room
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.landmarks import LIPS, NOSE, read_landmarks
from frame_generation_pipeline.template.template import Template


def stored_faces(
    template: Template,
    store: Path,
    context: float,
    side: int,
    *,
    cubic: bool,
    kept: Sequence[int] | None = None,
    progress: Progress,
) -> npt.NDArray[np.uint8]:
    """The faces of `template`, (n, side, side, 3) uint8 BGR, mapped from the file `store`, which is written if missing.

    context: margin around a crop box, as a share of its side. cubic: resize bicubically, else bilinearly.
    kept: the frames to store; by default all.
    Raises OutputError for a store that cannot be written or has no room, ModelError for a damaged one, and the errors
    of reading frames.
    """
    kept = range(len(template)) if kept is None else kept
    _remove_leftovers(store)
    if not os.path.lexists(store):
        check_room(store, len(kept) * side * side * 3, f"{len(kept)} faces")
        with complete_file(store) as temporary:
            _store_faces(template, kept, temporary, context, side, cubic, progress)
    return _open_faces(store, (len(kept), side, side, 3))


def stored_points(template: Template, index: int, context: float, side: int) -> npt.NDArray[np.float64]:
    """The landmarks (110, 2) in pixels of a stored face."""
    box = template.boxes[index]
    points = read_landmarks(template.landmark_file(index))
    around = round(box.size * context)
    corner = np.array([box.x - around, box.y - around])
    return np.asarray((points - corner) * side / (box.size + 2 * around), np.float64)


def stored_places(
    template: Template, count: int, context: float, side: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """In pixels of each stored face: the lips' middle (n, 2), the nose's points (n, k), and the mouth's size (n, 2).

    The mouth's size is the width and height of the outline of the lips.
    """
    lips, noses, mouths = [], [], []
    for index in range(count):
        points = stored_points(template, index, context, side)
        lips.append(points[LIPS].mean(axis=0))
        noses.append(points[NOSE].ravel())
        mouths.append(np.ptp(points[LIPS], axis=0))
    return np.array(lips), np.array(noses), np.array(mouths)


def _store_faces(
    template: Template, kept: Sequence[int], path: Path, context: float, side: int, cubic: bool, progress: Progress
) -> None:
    """Write the faces as a `.npy`; not mapped, because a full disk would end the process. Raises OSError."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(kept), side, side, 3)}
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.flush()
        if hasattr(os, "posix_fallocate"):  # raises now if the disk has no room
            os.posix_fallocate(file.fileno(), 0, file.tell() + len(kept) * side * side * 3)
        for done, index in enumerate(kept, start=1):
            frame = template.read(index)
            file.write(_with_surroundings(frame.image, frame.box, context, side, cubic).tobytes())
            progress(done, len(kept))


def _open_faces(store: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Map the stored faces. Raises ModelError if they are not as they were written."""
    try:
        faces = np.load(store, mmap_mode="r") if is_regular(store) else None
    except (OSError, ValueError, EOFError, SyntaxError):
        faces = None
    if not isinstance(faces, np.ndarray) or faces.shape != shape or faces.dtype != np.uint8:
        raise ModelError(f"{store}: damaged; remove it, and the same command makes it again")
    return faces


def _remove_leftovers(store: Path) -> None:
    """Remove the temporary files of `complete_file` that a killed run left of `store`."""
    name = re.compile(rf"\.{re.escape(store.stem)}\.[0-9a-f]{{8}}{re.escape(store.suffix)}")
    for path in store.parent.iterdir():
        if name.fullmatch(path.name) and is_regular(path):
            path.unlink()


def _with_surroundings(
    image: npt.NDArray[np.uint8], box: CropBox, context: float, side: int, cubic: bool
) -> npt.NDArray[np.uint8]:
    """The box with a margin of `context` of its side, (side, side, 3); the image's edge is repeated."""
    around = round(box.size * context)
    crop = CropBox(box.x - around, box.y - around, box.size + 2 * around).cut(image)
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR))
