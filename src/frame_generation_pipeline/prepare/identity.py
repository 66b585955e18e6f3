"""Decide whether the same person is shown after a cut, by a description of the face.

A face is aligned by points that speech moves little, and described by the directions of its edges, after N. Dalal and
B. Triggs ("Histograms of Oriented Gradients for Human Detection", CVPR 2005). Such descriptions distinguish people with
different features, beards, hair or glasses, but not doubles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.tracking.landmarker import Face
from frame_generation_pipeline.tracking.lips import yaw

SIDE = 64  # pixels; side of the square in which a face is aligned
EYES = 26  # pixels in it between the eyes' outer corners
MIDDLE = (32.0, 26.9)  # pixels in it, of the line between them
# Points of the mesh that speech moves little, and where they are on average, in distances between the eyes' corners.
POINTS = {
    **{33: (-0.5, 0.0), 133: (-0.19, 0.0), 362: (0.2, 0.0), 263: (0.5, 0.0)},  # the eyes' corners
    **{168: (0.01, -0.09), 6: (0.01, -0.01), 197: (0.01, 0.06), 195: (0.01, 0.12), 5: (0.01, 0.18)},  # the nose
    **{4: (0.02, 0.27), 1: (0.02, 0.34)},
    **{50: (-0.53, 0.33), 280: (0.54, 0.33), 234: (-0.76, 0.25), 454: (0.73, 0.25)},  # the cheeks
    **{10: (0.0, -0.59), 127: (-0.77, 0.09), 356: (0.74, 0.09)},  # forehead and temples
}
CELLS, BINS = 8, 8  # in a row, and directions in each
LARGEST = 0.6  # largest share of one direction in a cell of the gradients around it

MOST_FRAMES = 24  # of the longest part, with which others are compared; a third of it of other parts
CANDIDATES = 4  # times as many frames are examined to find those that face the camera
MOST_TURNED = 25.0  # degrees; largest turn of the head, see `lips.yaw`
# Correlation of descriptions: two people's most alike frames had less in 97 of 100 pairs of parts, one person's own, in
# other light, in 0.05 of 100.
ALIKE = 0.45

Description = npt.NDArray[np.float32]  # (CELLS * CELLS * BINS,), mean 0 and length 1


@dataclass(frozen=True)
class Part:
    """A part of the recording between two cuts."""

    first: int  # index among the observed frames
    stop: int
    frames: tuple[int, ...]  # indices of the frames that are compared


def parts_to_compare(
    observations: Sequence[Observation], good: Sequence[bool], cuts: Sequence[int]
) -> tuple[Part, list[Part]]:
    """The part between cuts with most good frames, and the other parts; each with frames that face the camera."""
    edges = [*pairwise([0, *cuts, len(observations)])]
    counts = [sum(good[first:stop]) for first, stop in edges]
    longest = counts.index(max(counts))
    parts = []
    for number, (first, stop) in enumerate(edges):
        most = MOST_FRAMES if number == longest else MOST_FRAMES // 3
        usable = np.flatnonzero(good[first:stop]) + first
        places = np.linspace(0, len(usable) - 1, min(len(usable), CANDIDATES * most)).round().astype(np.int64)
        turned = {
            index: abs(yaw(face.points)) for index in usable[places].tolist() if (face := observations[index].face)
        }
        frontal = sorted((index for index in turned if turned[index] <= MOST_TURNED), key=lambda index: turned[index])
        parts.append(Part(first, stop, tuple(frontal[:most])))
    main = parts.pop(longest)
    return main, parts


def describe(image: Frame, face: Face) -> Description:
    """The description of a face in an image."""
    places = np.array(list(POINTS.values()), np.float32) * EYES + np.array(MIDDLE, np.float32)
    found = np.ascontiguousarray(face.points[list(POINTS), :2], np.float32)
    matrix, _ = cv2.estimateAffine2D(found, places, method=cv2.LMEDS)
    if matrix is None:
        return np.zeros(CELLS * CELLS * BINS, np.float32)
    brought = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.GaussianBlur(cv2.cvtColor(brought, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 1.0)
    lengths, angles = cv2.cartToPolar(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    directions = (angles / (2 * np.pi) * BINS).astype(np.int64) % BINS
    cells = np.stack(
        [
            cv2.resize(np.where(directions == one, lengths, 0), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
            for one in range(BINS)
        ],
        axis=2,
    )
    around = np.sqrt(cv2.blur((cells**2).sum(axis=2), (3, 3)))[:, :, np.newaxis] + 1e-3
    values = np.sqrt(np.minimum(cells / around, LARGEST)).ravel()
    values -= values.mean()
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), np.float32)


def is_another(main: Sequence[Description], other: Sequence[Description]) -> bool:
    """Whether no frame of one part shows the person of the other; false if a part has no frames to compare."""
    return bool(main and other) and float((np.stack(other) @ np.stack(main).T).max()) < ALIKE
