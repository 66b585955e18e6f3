"""The eyeballs: a round ball with a bulging cornea, and the painting of iris and sclera."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.part import Part


@dataclass(frozen=True)
class Eye:
    """An eyeball that looks along -y at rest.

    Attributes:
        centre: (3,) m.
        radius: m.
        iris: radius of the iris in shares of the ball's radius (5.9 of 12 mm in adults).
        pupil: likewise.
    """

    centre: npt.NDArray[Any]
    radius: float
    iris: float = 0.490
    pupil: float = 0.20


def find(part: Part) -> Eye:
    """The eye that the base mesh's helper stands for."""
    front = part.base[:, 1].min()
    radius = float(np.ptp(part.base[:, 0]) / 2)
    middle = (part.base.max(0) + part.base.min(0)) / 2
    return Eye(np.array([middle[0], front + radius * 1.04, middle[2]], np.float32), radius)


def ball(eye: Eye, rings: int = 72, sectors: int = 96) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(V, 3) points relative to the centre and (F, 4) quads; the cornea stands out by a twelfth of the radius."""
    theta = np.linspace(0.001, np.pi * 0.72, rings)
    phi = np.linspace(0, 2 * np.pi, sectors, endpoint=False)
    t, p = np.meshgrid(theta, phi, indexing="ij")
    limbus = np.arcsin(eye.iris) * 1.06
    bulge = 1 + 0.06 * np.clip(1 - (t / limbus) ** 2, 0, 1) ** 1.2
    points = eye.radius * bulge[..., None] * np.stack([np.sin(t) * np.cos(p), -np.cos(t), np.sin(t) * np.sin(p)], -1)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(sectors), indexing="ij")
    k = (j + 1) % sectors
    quads = np.stack([i * sectors + j, i * sectors + k, (i + 1) * sectors + k, (i + 1) * sectors + j], -1).reshape(
        -1, 4
    )
    return points.reshape(-1, 3).astype(np.float32), quads.astype(np.int32)


def painting(eye: Eye, size: int = 1024, seed: int = 2) -> npt.NDArray[Any]:
    """(size, size, 3) float32 linear albedo of the ball seen from the front, x right and z up from -1 to 1 radius.

    Hazel to brown: fibres from the pupil outwards, a dark limbal ring, a lighter collarette, veins in the sclera.
    """
    random = np.random.default_rng(seed)
    grid = (np.arange(size) + 0.5) / size * 2 - 1
    x, z = np.meshgrid(grid, -grid)
    r, phi = np.hypot(x, z), np.arctan2(z, x)
    s = np.clip((r - eye.pupil) / (eye.iris - eye.pupil), -1, 2)  # 0 pupil's edge, 1 limbus

    def waves(frequencies: npt.NDArray[Any], slope: float) -> npt.NDArray[Any]:
        total = np.zeros_like(r)
        for f in frequencies:
            total += np.sin(f * phi + random.uniform(0, 6.28) + slope * np.sin(3 * s + random.uniform(0, 6.28)))
        return np.asarray(total / np.sqrt(len(frequencies)))

    fibre = 0.5 * waves(random.integers(40, 150, 26), 1.2) + 0.5 * waves(random.integers(12, 40, 10), 0.8)
    spots = waves(random.integers(3, 9, 5), 2.0)
    base = np.array([0.105, 0.055, 0.026])
    warm = np.array([0.185, 0.098, 0.038])
    outer = np.array([0.060, 0.040, 0.026])
    collar = np.exp(-(((s - 0.22 - 0.03 * spots) / 0.16) ** 2))[..., None]
    iris = base + (warm - base) * collar + (outer - base) * np.clip(s * 1.2 - 0.35, 0, 1)[..., None]
    iris = iris * np.clip(1 + 0.42 * fibre * np.clip(1.1 - 0.5 * s, 0, 1), 0.25, 2.2)[..., None]
    iris *= (1 - 0.82 * np.clip((s - 0.78) / 0.24, 0, 1) ** 1.5)[..., None]
    vein = np.abs(waves(random.integers(5, 30, 12), 6.0) + 0.8 * np.sin(14 * r + 3 * phi))
    vein = np.exp(-((vein / 0.10) ** 2)) * np.clip((r - 0.62) / 0.35, 0, 1)
    sclera = np.array([0.60, 0.555, 0.525]) - np.clip((r - 0.5) / 0.5, 0, 1)[..., None] * np.array([0.02, 0.09, 0.10])
    sclera = sclera - vein[..., None] * np.array([0.06, 0.20, 0.19])
    pixel = 2.0 / size
    limbus = np.clip((r - eye.iris) / (0.05) + 0.45, 0, 1)[..., None]
    limbus = limbus * limbus * (3 - 2 * limbus)
    colour = iris * (1 - limbus) + sclera * limbus
    hole = np.clip((eye.pupil - r) / (3.5 * pixel) + 0.5, 0, 1)[..., None]
    return np.asarray((colour * (1 - hole) + np.array([0.004, 0.003, 0.003]) * hole).astype(np.float32))


def sample(image: npt.NDArray[Any], points: npt.NDArray[Any], radius: float) -> npt.NDArray[Any]:
    """(V, 3) colours of points relative to the centre of an eye that looks along -y."""
    size = len(image)
    column = np.clip(((points[:, 0] / radius + 1) / 2 * size).astype(int), 0, size - 1)
    row = np.clip(((1 - points[:, 2] / radius) / 2 * size).astype(int), 0, size - 1)
    return np.asarray(image[row, column])
