"""Teeth and gums along the arches of the base mesh's helper: rounded bodies in the sizes of an adult's."""

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.part import Part

WIDTHS = (8.4, 6.6, 7.5, 7.0, 6.8, 9.5)  # mm, from the middle outwards: incisors, canine, premolars, molar
UPPER_HEIGHTS = (10.2, 9.2, 10.0, 8.6, 8.2, 7.6)
SIDE = 0.4  # kind of a tooth where it touches the next one
LOWER_WIDTHS, LOWER_HEIGHTS = (5.4, 5.9, 6.8, 7.0, 7.0, 10.0), (8.8, 8.9, 9.6, 8.6, 8.2, 7.6)


def _superellipsoid(
    rings: int = 14, sectors: int = 20, power: float = 0.42
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """A rounded box within -1 to 1."""
    t, p = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, rings), np.linspace(-np.pi, np.pi, sectors, endpoint=False), indexing="ij"
    )

    def f(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(np.sign(value) * np.abs(value) ** power)

    points = np.stack([f(np.cos(t)) * f(np.cos(p)), f(np.cos(t)) * f(np.sin(p)), f(np.sin(t))], -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(sectors), indexing="ij")
    k = (j + 1) % sectors
    quads = np.stack([i * sectors + j, i * sectors + k, (i + 1) * sectors + k, (i + 1) * sectors + j], -1)
    return points, quads.reshape(-1, 4)


def row(helper: Part, upper: bool) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """(V, 3) points m, (F, 4) quads and (V,) kind of one row of teeth at rest: 1 is gum, 0 to SIDE tooth.

    Of a tooth, 0 is its middle and SIDE where it touches its neighbours.
    """
    front = helper.base[:, 1].min() + (0.0008 if upper else 0.0018)
    edge = helper.base[:, 2].min() - 0.0044 if upper else helper.base[:, 2].max() - 0.0078
    depth = 0.030 / 0.027**2  # 1/m: the arch is a parabola
    x = np.linspace(0, 0.034, 400)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(depth * x**2)))])
    points, quads, kind = [], [], []
    body, faces = _superellipsoid()
    count = 0
    for side in (1, -1):
        start = 0.0
        for width, height in zip(*((WIDTHS, UPPER_HEIGHTS) if upper else (LOWER_WIDTHS, LOWER_HEIGHTS)), strict=True):
            width, height = width / 1000 * 0.93, height / 1000
            at = np.interp(start + width / 2, length, x)
            start += width
            angle = np.arctan(2 * depth * at)
            local = body * (width / 2 * 1.01, 0.0032, height / 2)
            narrow = 1 - 0.16 * np.clip((local[:, 2] / height + 0.5) if upper else (0.5 - local[:, 2] / height), 0, 1)
            local[:, 0] *= narrow
            bow = (local[:, 0] / width) ** 2 * 0.004
            local[:, 1] += bow
            c, sn = np.cos(angle), np.sin(angle)
            turned = np.stack(
                [side * (local[:, 0] * c - local[:, 1] * sn), local[:, 0] * sn + local[:, 1] * c, local[:, 2]], -1
            )
            lift = 0.0007 if (upper and 0.008 < start < 0.0155) else 0.0
            centre = np.array(
                [side * at, front + 0.0032 + depth * at**2, edge + (height / 2 + lift if upper else -height / 2)]
            )
            points.append(turned + centre)
            quads.append((faces if side > 0 else faces[:, ::-1]) + count)
            count += len(body)
            kind.append(SIDE * np.abs(body[:, 0]))
    arch = np.linspace(-0.030, 0.030, 121)
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    lines = []
    for value in arch:
        slope = np.arctan(2 * depth * value)
        out = np.array([np.sin(slope), -np.cos(slope), 0])
        scallop = 0.0008 * np.cos(np.abs(np.interp(abs(value), x, length)) / 0.0072 * 2 * np.pi)
        middle = np.array(
            [
                value,
                front + 0.0042 + depth * value**2,
                edge + (0.0135 if upper else -0.0122) + scallop * (1 if upper else -1),
            ]
        )
        lines.append(
            middle + out * (0.0040 * np.cos(turn))[:, None] + np.array([0, 0, 1]) * (0.0058 * np.sin(turn))[:, None]
        )
    n, m = len(arch), len(turn)
    i, j = np.meshgrid(np.arange(n - 1), np.arange(m), indexing="ij")
    points.append(np.concatenate(lines))
    quads.append(
        np.stack([i * m + j, (i + 1) * m + j, (i + 1) * m + (j + 1) % m, i * m + (j + 1) % m], -1).reshape(-1, 4)
        + count
    )
    kind.append(np.ones(n * m))
    return (
        np.concatenate(points).astype(np.float32),
        np.concatenate(quads).astype(np.int32),
        np.concatenate(kind).astype(np.float32),
    )
