"""Lips touch and do not pass through each other: blended expression shapes know nothing of contact."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from studio.presenter.face import MOUTH_HALF_WIDTH, MOUTH_UV, vertex_uv
from studio.presenter.part import Part
from studio.presenter.state import SEAL

COLUMNS = 25  # across the mouth, where the gap is measured
OVERLAP = -0.0004  # m, gap of lips that are pressed together
CORNER = 0.95  # of the half width in texture space: where the lips meet
INSIDE = 0.0030  # of texture space: what is nearer to the middle lies within the mouth
REACH = 0.0075  # m, how far around the lips' edge the skin gives way


@dataclass(frozen=True)
class Lips:
    """Which vertices are the lips, and how much each vertex of the skin follows them.

    Attributes:
        upper, lower: (N,) vertices of the two lips.
        follow_upper, follow_lower: (V, 1) float32, 0 to 1.
    """

    upper: npt.NDArray[Any]
    lower: npt.NDArray[Any]
    follow_upper: npt.NDArray[Any]
    follow_lower: npt.NDArray[Any]

    def edges(self, shape: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """(COLUMNS,) x, z of the upper lip's lower edge and z of the lower lip's upper edge, metres."""
        up, low = shape[self.upper], shape[self.lower]
        left = min(up[:, 0].max(), low[:, 0].max()) - 0.0004
        right = max(up[:, 0].min(), low[:, 0].min()) + 0.0004
        x = np.linspace(right, left, COLUMNS)
        half = (x[1] - x[0]) * 0.75
        above, below = (np.abs(lip[:, 0] - x[:, None]) < half for lip in (up, low))
        edge = np.where(above, up[:, 2], np.inf).min(axis=1), np.where(below, low[:, 2], -np.inf).max(axis=1)
        bounds = np.where(above.any(axis=1) & below.any(axis=1), edge, np.nan)
        good = np.isfinite(bounds[0])
        return x, np.interp(x, x[good], bounds[0, good]), np.interp(x, x[good], bounds[1, good])

    def contact(self, shape: npt.NDArray[Any], seal: float) -> npt.NDArray[Any]:
        """The skin with lips that do not overlap more than they may.

        Args:
            shape: (V, 3) float32 m, the head not moved.
            seal: 0 leaves an open mouth as it is, 1 closes it over its whole width.
        """
        for _ in range(2):
            x, upper, lower = self.edges(shape)
            gap = upper - lower
            wish = np.where(gap < OVERLAP, OVERLAP, gap + (OVERLAP - gap) * seal) - gap
            padded = np.pad(wish, 1, mode="edge")
            wish = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
            if np.abs(wish).max() < 5e-5:
                break
            at = np.interp(
                shape[:, 0], np.concatenate([[x[0] - 0.006], x, [x[-1] + 0.006]]), np.concatenate([[0], wish, [0]])
            )
            shape = shape.copy()
            shape[:, 2:] += (at[:, None] * (0.4 * self.follow_upper - 0.6 * self.follow_lower)).astype(np.float32)
        return shape

    def opening(self, shape: npt.NDArray[Any]) -> float:
        """m, gap in the middle; 0 or less is closed."""
        _, upper, lower = self.edges(shape)
        middle = slice(COLUMNS // 2 - 2, COLUMNS // 2 + 3)
        return float((upper - lower)[middle].mean())


def find_lips(skin: Part) -> Lips:
    """The lips of a head."""
    uv = vertex_uv(skin)
    face = (uv[:, 0] > 0.64) & (uv[:, 1] > 0.15)
    near = face & (np.abs(uv[:, 1] - MOUTH_UV[1]) < MOUTH_HALF_WIDTH * CORNER)
    upper = np.flatnonzero(near & (uv[:, 0] > MOUTH_UV[0] - 0.010) & (uv[:, 0] < MOUTH_UV[0] - INSIDE))
    lower = np.flatnonzero(near & (uv[:, 0] > MOUTH_UV[0] + INSIDE) & (uv[:, 0] < MOUTH_UV[0] + 0.012))
    apart = skin.pose({"jawOpen": 0.6})
    from_upper, _ = cKDTree(apart[upper]).query(apart)
    from_lower, _ = cKDTree(apart[lower]).query(apart)
    share = 1 / (1 + np.exp(np.clip((from_upper - from_lower) / 0.0012, -50, 50)))  # 1 nearer to the upper lip
    follow_upper = share * np.exp(-((from_upper / REACH) ** 2))
    follow_lower = (1 - share) * np.exp(-((from_lower / (1.3 * REACH)) ** 2))
    return Lips(upper, lower, follow_upper.astype(np.float32)[:, None], follow_lower.astype(np.float32)[:, None])


@dataclass(frozen=True)
class LipsAlone:
    """The lips' vertices without the rest of the skin: all that the opening needs, in a hundredth of the time."""

    part: Part
    lips: Lips

    def opening(self, weights: dict[str, float]) -> float:
        """m, gap in the middle under expression weights; 0 or less is closed."""
        return self.lips.opening(self.lips.contact(self.part.pose(weights), weights.get(SEAL, 0.0)))


def lips_alone(skin: Part) -> LipsAlone:
    """The lips of a head, which move as they do on its skin."""
    lips = find_lips(skin)
    kept, places = np.unique(np.concatenate([lips.upper, lips.lower]), return_inverse=True)
    upper, lower = np.split(places, [len(lips.upper)])
    deltas = {name: delta[kept] for name, delta in skin.deltas.items()}
    part = Part(skin.base[kept], deltas, skin.quads[:0], skin.uv[:0])
    return LipsAlone(part, Lips(upper, lower, lips.follow_upper[kept], lips.follow_lower[kept]))
