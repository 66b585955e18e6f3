"""Hair, brows and lashes as strands: (N, K, 3) float32 points in metres, root first."""

from dataclasses import dataclass
from typing import Any

import bpy  # noqa: F401  (mathutils comes with it)
import numpy as np
import numpy.typing as npt
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from studio.presenter.face import HAIRLINE, HAIRLINE_AZIMUTHS, HEAD_CENTRE, anchors, brow_line, vertex_uv
from studio.presenter.part import Part


@dataclass(frozen=True)
class HairStyle:
    """Hair parted at one side, tucked behind the ears, that ends over the shoulders.

    Attributes:
        count: strands.
        points: of a strand.
        part: m, x of the parting; to the person's left is positive.
        lift: m, height of the outermost layer over the scalp.
        length: m under the mouth, where the hair ends.
        seed: of its disorder.
    """

    count: int = 46000
    points: int = 24
    part: float = 0.022
    lift: float = 0.018
    length: float = 0.075
    seed: int = 3


class Surface:
    """Rays onto a mesh."""

    def __init__(self, vertices: npt.NDArray[Any], quads: npt.NDArray[Any]):
        self.tree = BVHTree.FromPolygons(vertices.tolist(), quads.tolist())

    def along(
        self, origins: npt.NDArray[Any], directions: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """(N, 3) hits (nan where there is none) and (N, 3) normals of rays."""
        hits, normals = np.full(origins.shape, np.nan), np.zeros(origins.shape)
        for index, (origin, direction) in enumerate(zip(origins, directions, strict=True)):
            place, normal, _, _ = self.tree.ray_cast(Vector(origin), Vector(direction))
            if place is not None:
                hits[index], normals[index] = place, normal
        return hits, normals


def unit(vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Vectors of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _radii(skin: Part, centre: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Distance of the skin from `centre` on a grid of azimuth (-180 to 180) and elevation (-60 to 90)."""
    azimuths, elevations = np.radians(np.linspace(-180, 180, 121)), np.radians(np.linspace(-60, 90, 61))
    a, e = np.meshgrid(azimuths, elevations)
    rays = np.stack([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)], -1).reshape(-1, 3)
    hits, _ = Surface(skin.base, skin.quads).along(centre + rays * 0.4, -rays)
    radii = np.linalg.norm(hits - centre, axis=1).reshape(a.shape)
    from scipy.ndimage import gaussian_filter, grey_opening

    smooth = grey_opening(np.nan_to_num(radii, nan=0.1), (7, 7))  # without the ears
    return azimuths, elevations, gaussian_filter(smooth, 1.5, mode=("nearest", "wrap"))


def scalp_hair(skin: Part, style: HairStyle) -> npt.NDArray[Any]:
    """The strands of the head."""
    from scipy.interpolate import RegularGridInterpolator

    random = np.random.default_rng(style.seed)
    a = anchors(skin)
    mouth = a["mouth"]
    centre = mouth + np.array(HEAD_CENTRE)
    azimuths, elevations, radii = _radii(skin, centre)
    radius = RegularGridInterpolator((elevations, azimuths), radii, bounds_error=False, fill_value=None)

    def at(direction: npt.NDArray[Any]) -> npt.NDArray[Any]:
        direction = unit(direction)
        return np.asarray(
            radius(np.stack([np.arcsin(direction[..., 2]), np.arctan2(direction[..., 0], -direction[..., 1])], -1))
        )

    roots = np.empty((0, 3))
    while len(roots) < style.count:  # evenly over the sphere, then by the hairline
        rays = unit(random.normal(size=(style.count, 3)))
        azimuth = np.degrees(np.abs(np.arctan2(rays[:, 0], -rays[:, 1])))
        line = np.interp(azimuth, HAIRLINE_AZIMUTHS, HAIRLINE)
        z = centre[2] + rays[:, 2] * at(rays) - mouth[2]
        soft = random.exponential(0.0035, len(rays)) - 0.002  # a hairline thins out
        roots = np.concatenate([roots, rays[z > line + soft]])
    roots = roots[: style.count]

    # from the root over the head to behind the ear, and from there straight down
    t = np.linspace(0, 1, style.points)[None, :, None]
    over, down = np.clip(t / 0.62, 0, 1), np.clip((t - 0.62) / 0.38, 0, 1)
    azimuth = np.degrees(np.arctan2(roots[:, 0], -roots[:, 1]))
    across = roots[:, 0] * at(roots) - style.part * (np.abs(azimuth) < 90) + 0.0015 * random.normal(size=len(roots))
    side = np.where(across > 0, 1.0, -1.0)
    behind = np.interp(np.abs(azimuth), [0, 40, 90, 180], [116, 120, 134, 176]) + random.normal(0, 7, len(roots))
    behind = np.radians(np.clip(behind, 111, 180)) * side
    fall = np.radians(random.uniform(-16, -4, len(roots)))
    drop = np.stack([np.sin(behind) * np.cos(fall), -np.cos(behind) * np.cos(fall), np.sin(fall)], -1)
    front = np.clip(-roots[:, 1] + 0.35, 0, 1.3)[:, None, None]
    high = np.clip(roots[:, 2], 0, 1)[:, None, None]
    clumps = np.round(roots * 15) / 15  # strands go in locks
    wander = np.sin(clumps[:, None] * 53 + 1.7) * 0.012 + random.normal(size=(len(roots), 1, 3)) * 0.004
    path = roots[:, None] * (1 - over**1.15) + drop[:, None] * over**1.15
    sweep = np.array([1.0, 0.0, 0.12]) * side[:, None, None] * (1, 0, 0) + np.array([0, -0.10, 0.05])
    bow = np.sin(np.pi * over**0.9) * np.clip(over * 6, 0, 1)
    path = unit(path + sweep * (0.14 * front * high) * bow + wander * np.sin(np.pi * over))
    layer = random.beta(2.0, 1.3, (len(roots), 1))
    lift = style.lift * layer * (1 - np.exp(-over[..., 0] * 9)) * (0.46 + 0.40 * np.clip(path[..., 2], 0, 1))
    lock = np.sin(clumps @ np.array([91.0, 57.0, 73.0]))[:, None] * 0.0015 * (1 - np.exp(-t[..., 0] * 5))
    strands = centre + path * (at(path) + 0.0005 + lift + lock)[..., None]
    end = (
        mouth[2]
        - style.length
        + 0.034 * random.beta(1.1, 2.6, len(roots))
        + 0.012 * random.uniform(-1, 1, len(roots)) ** 3
    )
    last = strands[:, int(0.62 * (style.points - 1))]
    height = (last[:, 2] - end)[:, None]
    hang = down[..., 0]
    strands[..., 2] -= height * hang
    wave = 0.003 * np.sin(hang * 5 + clumps @ np.array([31.0, 17.0, 23.0])[:, None] * 1.0) * hang
    outward = unit((last - centre) * (1, 1, 0))[:, None]
    curl = 0.010 * hang - 0.022 * np.clip(hang - 0.55, 0, 1) ** 1.5  # ends turn inwards
    strands += outward * (curl + wave + 0.004 * (layer - 0.5) * hang)[..., None]
    return np.asarray(strands.astype(np.float32))


def stray_hair(strands: npt.NDArray[Any], count: int, seed: int = 11) -> npt.NDArray[Any]:
    """Some strands that stand off a little: without them hair looks like a helmet."""
    random = np.random.default_rng(seed)
    some = strands[random.choice(len(strands), count, replace=False)].astype(np.float64)
    t = np.linspace(0, 1, some.shape[1])[None, :, None]
    centre = strands[:, 0].mean(0)
    away = unit(some - centre)
    phase = random.uniform(0, 6.28, (count, 1, 3))
    some += away * random.exponential(0.0028, (count, 1, 1)) * np.sin(np.pi * t) + 0.0012 * np.sin(9 * t + phase) * t
    return some.astype(np.float32)


def brows(skin: Part, seed: int = 4, count: int = 430) -> npt.NDArray[Any]:
    """Both eyebrows."""
    random = np.random.default_rng(seed)
    a = anchors(skin)
    surface = Surface(skin.base, skin.quads)
    both = []
    for side in (1, -1):
        s = random.beta(1.15, 1.25, count)  # along the brow: 0 inner end, 1 tail
        x, arch, thick = brow_line(a, s)
        v = random.uniform(-0.5, 0.5, count)
        z = arch + v * thick
        angle = np.radians(np.interp(s, [0, 0.15, 0.45, 0.75, 1.0], [66, 44, 20, -4, -18])) - v * np.radians(34)
        angle += random.normal(0, 0.16, count)
        length = np.interp(s, [0, 0.3, 0.8, 1.0], [0.0060, 0.0080, 0.0068, 0.0045]) * random.uniform(0.7, 1.1, count)
        t = np.linspace(0, 1, 7)
        bend = np.radians(-22) * t[None] * (1 - s[:, None])
        heading = angle[:, None] + bend
        step = length[:, None] / (len(t) - 1)
        along = np.concatenate([np.zeros((count, 1)), np.cumsum(np.cos(heading[:, 1:]) * step, 1)], 1)
        up = np.concatenate([np.zeros((count, 1)), np.cumsum(np.sin(heading[:, 1:]) * step, 1)], 1)
        px, pz = side * (x[:, None] + along), z[:, None] + up
        origins = np.stack([px, np.full_like(px, -0.5), pz], -1).reshape(-1, 3)
        hits, normals = surface.along(origins, np.tile([0.0, 1.0, 0.0], (len(origins), 1)))
        off = (0.0001 + 0.0009 * np.sin(np.pi * t * 0.8))[None, :, None] * np.ones((count, 1, 1))
        both.append((hits + normals * off.reshape(-1, 1)).reshape(count, len(t), 3))
    strands = np.concatenate(both)
    return strands[np.isfinite(strands).all((1, 2))].astype(np.float32)


@dataclass(frozen=True)
class Lashes:
    """Lashes bound to the lid's edge: root = vertices[index] and two axes of the lid make the curve.

    Attributes:
        index: (N,) int32 of the skin's vertices.
        curve: (N, K, 3) float32 m, points relative to the root, for lids at rest.
        upper: (N,) bool.
    """

    index: npt.NDArray[Any]
    curve: npt.NDArray[Any]
    upper: npt.NDArray[Any]


def lashes(skin: Part, seed: int = 8) -> Lashes:
    """Upper and lower lashes of both eyes, from the vertices where the lid turns inwards."""
    random = np.random.default_rng(seed)
    uv, points = vertex_uv(skin), skin.base
    face = (uv[:, 0] > 0.64) & (uv[:, 1] > 0.15)
    mid = 0.4825
    index, curves, uppers = [], [], []
    t = np.linspace(0, 1, 9)
    for side in (1, -1):
        across = (uv[:, 1] - mid) * side
        near = face & (across > 0.0125) & (across < 0.0535)
        for upper in (True, False):
            u_line = 0.8355 if upper else 0.8438
            band = np.flatnonzero(near & (np.abs(uv[:, 0] - u_line) < 0.0022))
            columns = np.abs(points[band, 0])
            scale = np.abs(anchors(skin)["left_outer_eye"][0]) / 0.0496
            low, high = (0.0190, 0.0452) if upper else (0.0215, 0.0435)
            low, high = low * scale, high * scale
            for x in np.linspace(low, high, 84 if upper else 34):
                close = band[np.abs(columns - x) < 0.0007]
                if not len(close):
                    continue
                height = points[close, 2] * (1 if upper else -1)
                root = close[height.argmin()]
                s = (x - low) / (high - low)
                for _ in range(3 if upper else 1):
                    length = (0.0046 + 0.0020 * np.sin(np.pi * min(s * 0.8, 1))) if upper else 0.0026
                    length *= random.uniform(0.72, 1.08) * min(1.0, 0.45 + s * 2.0)
                    fan = np.interp(s, [0, 0.5, 1], [-0.35, 0.18, 0.95]) + random.normal(0, 0.10)
                    lift = 0.58 if upper else -0.6
                    rise = np.interp(t, [0, 0.35, 1], [0, -0.06, 1.0] if upper else [0, 0.25, 1.0]) ** 1 * lift
                    curve = np.stack([side * fan * t**1.3, -t * 0.85 + 0.12 * t**2, rise], -1) * length
                    jitter = np.array([random.normal(0, 0.0003), 0, 0])
                    index.append(root)
                    curves.append(curve + jitter)
                    uppers.append(upper)
    return Lashes(np.array(index, np.int32), np.array(curves, np.float32), np.array(uppers))
