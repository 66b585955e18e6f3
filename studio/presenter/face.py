"""What is where on the skin: masks of lips, cheeks, brows, scalp, one value a vertex, and the colours made of them."""

import numpy as np
from mesh import Part

MOUTH_UV = (0.9085, 0.4825)  # texture coordinates of the mouth's centre in the base mesh, the mouth's width along v
MOUTH_HALF_WIDTH = 0.0245  # of texture space
UPPER_LIP, LOWER_LIP = 0.0108, 0.0130  # of texture space, heights of the vermilion


def vertex_uv(skin: Part) -> np.ndarray:
    """(V, 2): one texture coordinate a vertex; at a seam the last one wins."""
    uv = np.zeros((len(skin.base), 2), np.float32)
    uv[skin.quads.ravel()] = skin.uv.reshape(-1, 2)
    return uv


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _spot(points: np.ndarray, centre: tuple[float, float, float], size: tuple[float, float, float]) -> np.ndarray:
    return np.exp(-((((points - np.array(centre)) / np.array(size)) ** 2).sum(1)))


def anchors(skin: Part) -> dict[str, np.ndarray]:
    """Named points (3,) on the face at rest, metres: mouth, nose tip, chin, eye corners, scalp's centre."""
    uv, points = vertex_uv(skin), skin.base

    def at(u: float, v: float) -> np.ndarray:
        return points[((uv - (u, v)) ** 2).sum(1).argmin()]

    mid = MOUTH_UV[1]
    return {
        "mouth": (at(0.9050, mid) + at(0.9130, mid)) / 2,
        "left_mouth_corner": at(MOUTH_UV[0], mid + MOUTH_HALF_WIDTH),
        "nose": at(0.862, mid),
        "chin": at(0.940, mid),
        "left_inner_eye": at(0.8415, 0.4985),
        "left_outer_eye": at(0.8395, 0.534),
        "right_inner_eye": at(0.8415, 2 * mid - 0.4985),
        "brow": at(0.818, 0.512),
    }


def masks(skin: Part) -> dict[str, np.ndarray]:
    """{name: (V,) float32, 0 to 1}: `lips`, `inner` (mouth cavity and eye sockets), `cheeks`, `nose`, `lids`, `lip_line`."""
    uv, points = vertex_uv(skin), skin.base
    face = (uv[:, 0] > 0.64) & (uv[:, 1] > 0.15) & (uv[:, 1] < 0.82)
    across = (uv[:, 1] - MOUTH_UV[1]) / MOUTH_HALF_WIDTH
    round_ = np.clip(1 - across**2, 0, 1)
    bow = 1 - 0.16 * np.exp(-((across / 0.13) ** 2)) + 0.06 * np.exp(-(((np.abs(across) - 0.28) / 0.12) ** 2))
    up = MOUTH_UV[0] - UPPER_LIP * round_**0.62 * bow
    down = MOUTH_UV[0] + LOWER_LIP * round_**0.50
    edge = 0.0009
    lips = _ramp(uv[:, 0], up - edge, up + edge) * _ramp(-uv[:, 0], -down - 1.4 * edge, -down + 1.4 * edge)
    lips = lips * face * _ramp(round_, 0.02, 0.16)
    a = anchors(skin)
    nose, left = a["nose"], (a["left_inner_eye"] + a["left_outer_eye"]) / 2
    mirrored = np.abs(points) * (1, 0, 0) + points * (0, 1, 1)
    cheek = (left[0] + 0.012, left[1] + 0.0, left[2] - 0.040)
    socket = _spot(mirrored, (left[0], left[1] - 0.004, left[2] - 0.002), (0.021, 0.02, 0.0125))
    return {
        "face": face.astype(np.float32),
        "lips": lips.astype(np.float32),
        "inner": (~face & (points[:, 1] < nose[1] + 0.09) & (uv[:, 1] < 0.15) & (points[:, 2] > nose[2] - 0.09) & (points[:, 2] < nose[2] + 0.1)).astype(np.float32),
        "cheeks": _spot(mirrored, cheek, (0.030, 0.04, 0.024)).astype(np.float32),
        "nose": _spot(points, (0, nose[1], nose[2] - 0.003), (0.016, 0.014, 0.013)).astype(np.float32),
        "lids": (socket * face).astype(np.float32),
        "under": _spot(mirrored, (left[0] - 0.004, left[1], left[2] - 0.0165), (0.016, 0.02, 0.006)).astype(np.float32),
        "stubble": np.zeros(len(points), np.float32),
    }
