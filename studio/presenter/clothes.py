"""A fine-knit jumper with a round collar, from the base mesh's own clothes helper."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from studio.presenter.face import anchors
from studio.presenter.part import Part


def normals(vertices: npt.NDArray[Any], quads: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(V, 3) unit normals, weighted by area."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    face = np.cross(c - a, d - b)
    total = np.zeros_like(vertices)
    for k in range(4):
        np.add.at(total, quads[:, k], face)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def jumper(
    parts: dict[str, Part], offset: float = 0.006, thickness: float = 0.0042
) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """[(vertices, quads)] of the body of the jumper and its collar.

    Args:
        parts: the head's.
        offset: m, of the cloth from the skin.
        thickness: m, radius of the collar's roll.
    """
    helper, skin = parts["tights"], parts["skin"]
    chin = anchors(skin)["chin"]
    quads = helper.quads
    shape = helper.base.astype(np.float64)
    sides = np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2)
    links = sparse.csr_matrix((np.ones(len(sides)), (sides[:, 0], sides[:, 1])), (len(shape), len(shape)))
    links = links + links.T
    mean = sparse.diags(1 / np.maximum(np.asarray(links.sum(1)).ravel(), 1)) @ links
    for _ in range(12):  # cloth spans hollows
        shape = 0.5 * shape + 0.5 * (mean @ shape)
    shape = shape + normals(shape, quads) * (offset + 0.004)
    # the neckline: a plane that falls to the front
    height = shape[:, 2] - (chin[2] - 0.058) - 0.42 * (shape[:, 1] - chin[1] - 0.06)
    keep = (height[quads] < 0).all(1)
    quads = quads[keep]
    sides = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, uses = np.unique(sides, axis=0, return_counts=True)
    rim = np.unique(edges[uses == 1])
    rim = rim[(np.abs(shape[rim, 0]) < 0.14) & (shape[rim, 2] > chin[2] - 0.16)]
    centre = shape[rim].mean(0)
    angle = np.arctan2(shape[rim, 0] - centre[0], -(shape[rim, 1] - centre[1]))
    turn = np.linspace(-np.pi, np.pi, 181)[:-1]
    loop = np.empty((len(turn), 3))
    for axis in range(3):  # a smooth closed curve through the ragged rim: a few harmonics
        basis = np.concatenate([[np.ones_like(angle)], *[[np.cos(k * angle), np.sin(k * angle)] for k in range(1, 5)]])
        again = np.concatenate([[np.ones_like(turn)], *[[np.cos(k * turn), np.sin(k * turn)] for k in range(1, 5)]])
        loop[:, axis] = np.linalg.lstsq(basis.T, shape[rim, axis], rcond=None)[0] @ again
    _, nearest = cKDTree(skin.base).query(loop)  # draw the collar in, to a finger's breadth from the neck
    away = loop - skin.base[nearest]
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    shift = skin.base[nearest] + away / distance * np.minimum(distance, offset + 0.004) - loop
    shift = gaussian_filter1d(shift, 6, axis=0, mode="wrap")
    loop = loop + shift
    far, closest = cKDTree(loop - shift).query(shape)
    shape = shape + shift[closest] * np.exp(-((far / 0.05) ** 2))[:, None]
    outward = loop - loop.mean(0)
    outward[:, 2] = 0
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    up = np.array([0, 0, 1.0])
    profile = np.linspace(0, 2 * np.pi, 17)[:-1]
    high, wide = thickness * 2.6, thickness
    ring = (
        loop[:, None]
        + outward[:, None] * (wide * np.cos(profile)[None, :, None] - 0.001)
        + (up * 0.94 - outward[:, None] * 0.34) * (high * np.sin(profile)[None, :, None] + 0.002)
    )
    n, m = len(turn), len(profile)
    i, j = np.meshgrid(np.arange(n), np.arange(m), indexing="ij")
    collar = np.stack([i * m + j, ((i + 1) % n) * m + j, ((i + 1) % n) * m + (j + 1) % m, i * m + (j + 1) % m], -1)
    return [(shape.astype(np.float32), quads), (ring.reshape(-1, 3).astype(np.float32), collar.reshape(-1, 4))]
