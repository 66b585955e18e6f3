"""Compute the 110 landmarks of templates from the mesh.

Left and right are those of the image. The existing templates have this order:

- 0-32 the face's edge, evenly from the left temple over the chin (16) to the right temple; 1 and 31 at eye height
- 33-41 the left brow: the upper edge from its outer end, the lower edge back; 42-50 the right brow likewise
- 51-54 the ridge of the nose upwards from its tip: 52 the bridge; 55-65 its outline from the left of the root, around
  the wings and nostrils (60 between them), to the right of the root
- 66-73 the left eye's lids, the upper ones first; 74-77 its pupil, twice, and the iris's sides; 78-89 the right eye
- 90-101 the lips' outer line, from the left corner over the upper lip; 102-109 the inner line
"""

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.template.landmarks import LANDMARKS

# Points of the mesh from the left temple, and from the right one, to the chin. The edge begins between the first two.
_LEFT_EDGE = (162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
_RIGHT_EDGE = (389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152)
_EDGE_STEPS = 16  # from a temple to the chin

_LEFT_PUPIL, _RIGHT_PUPIL = (33, 133, 159, 145), (263, 362, 386, 374)
# Points 33 to 109, each the mean of these points of the mesh.
_OTHERS: tuple[tuple[int, ...], ...] = (
    *((point,) for point in (46, 63, 105, 66, 107, 55, 65, 52, 53)),
    *((point,) for point in (276, 293, 334, 296, 336, 285, 295, 282, 283)),
    *((4, 5), (195,), (6,), (8, 168)),
    *((point,) for point in (193, 198, 129, 98, 79, 2, 309, 327, 358, 420, 417)),
    *((point,) for point in (33, 160, 159, 157, 133, 154, 145, 144)),
    *(_LEFT_PUPIL, _LEFT_PUPIL, (160, 144), (157, 154)),
    *((point,) for point in (263, 387, 386, 384, 362, 381, 374, 373)),
    *(_RIGHT_PUPIL, _RIGHT_PUPIL, (384, 381), (387, 373)),
    *((point,) for point in (61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91)),
    *((point,) for point in (78, 81, 13, 311, 308, 402, 14, 178)),
)


def to_110(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Meshes (..., 468, 2 or 3) in pixels -> landmarks (..., 110, 2) float32 in pixels."""
    flat = points[..., :2].astype(np.float64)
    left, right = _edge(flat, _LEFT_EDGE), _edge(flat, _RIGHT_EDGE)
    others = np.stack([flat[..., list(group), :].mean(axis=-2) for group in _OTHERS], axis=-2)
    placed = np.concatenate([left, right[..., -2::-1, :], others], axis=-2)
    assert placed.shape[-2] == LANDMARKS
    return placed.astype(np.float32)


def _edge(points: npt.NDArray[np.float64], line: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """(..., 17, 2): points at equal distances along a line, from between its first two points to its last."""
    corners = points[..., list(line), :]
    corners[..., 0, :] = corners[..., :2, :].mean(axis=-2)
    lengths = np.linalg.norm(np.diff(corners, axis=-2), axis=-1)
    along = np.concatenate([np.zeros((*lengths.shape[:-1], 1)), lengths.cumsum(axis=-1)], axis=-1)
    positions = np.linspace(0, along[..., -1], _EDGE_STEPS + 1, axis=-1)
    # Each point is on the last piece that begins before it, at the remaining share of that piece.
    piece = (along[..., np.newaxis, :-1] <= positions[..., np.newaxis]).sum(axis=-1) - 1
    begin, length = np.take_along_axis(along, piece, -1), np.take_along_axis(lengths, piece, -1)
    share = np.divide(positions - begin, length, out=np.zeros_like(positions), where=length > 0)[..., np.newaxis]
    first = np.take_along_axis(corners, piece[..., np.newaxis], -2)
    last = np.take_along_axis(corners, piece[..., np.newaxis] + 1, -2)
    return np.asarray(first + share * (last - first))
