"""The 110 points that templates have, told from the mesh.

Left and right are the picture's. As the existing templates show them:

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
    """A mesh (468, 2 or 3) in pixels -> the points of a template (110, 2) float32 in pixels."""
    flat = points[:, :2].astype(np.float64)
    left, right = _edge(flat, _LEFT_EDGE), _edge(flat, _RIGHT_EDGE)
    others = np.array([flat[list(group)].mean(axis=0) for group in _OTHERS])
    placed = np.concatenate([left, right[-2::-1], others])
    assert len(placed) == LANDMARKS
    return placed.astype(np.float32)


def _edge(points: npt.NDArray[np.float64], line: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """17 points at equal distances along a line, from between its first two points to its last."""
    corners = points[list(line)]
    corners[0] = corners[:2].mean(axis=0)
    along = np.concatenate([[0], np.linalg.norm(np.diff(corners, axis=0), axis=1).cumsum()])
    wanted = np.linspace(0, along[-1], _EDGE_STEPS + 1)
    return np.column_stack([np.interp(wanted, along, corners[:, axis]) for axis in range(2)])
