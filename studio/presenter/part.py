"""A piece of the head's mesh, and how expressions move it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Part:
    """One piece of the mesh: `vertices[i] = base[i] + sum of weights * deltas[:, i]`.

    Attributes:
        base: (V, 3) float32, expression at rest.
        deltas: {expression: (V, 3) float32}, those that move the part.
        quads: (F, 4) int32 into `base`.
        uv: (F, 4, 2) float32, 0 to 1 in the base mesh's texture space.
    """

    base: npt.NDArray[Any]
    deltas: dict[str, npt.NDArray[Any]]
    quads: npt.NDArray[Any]
    uv: npt.NDArray[Any]

    def pose(self, weights: dict[str, float]) -> npt.NDArray[Any]:
        """(V, 3) float32: the vertices under expression weights; names that do not move the part are ignored."""
        shape = self.base.copy()
        for name, weight in weights.items():
            if weight and name in self.deltas:
                shape += np.float32(weight) * self.deltas[name]
        return shape
