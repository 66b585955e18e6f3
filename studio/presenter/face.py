"""What is where on the skin: masks of lips, cheeks, brows, scalp, one value a vertex, and the colours made of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.part import Part

MOUTH_UV = (0.9085, 0.4825)  # texture coordinates of the mouth's centre in the base mesh, the mouth's width along v
MOUTH_HALF_WIDTH = 0.0222  # of texture space
UPPER_LIP, LOWER_LIP = 0.0108, 0.0130  # of texture space, heights of the vermilion


def vertex_uv(skin: Part) -> npt.NDArray[Any]:
    """(V, 2): one texture coordinate a vertex; at a seam the last one wins."""
    uv = np.zeros((len(skin.base), 2), np.float32)
    uv[skin.quads.ravel()] = skin.uv.reshape(-1, 2)
    return uv


def _ramp(value: npt.NDArray[Any], low: float | npt.NDArray[Any], high: float | npt.NDArray[Any]) -> npt.NDArray[Any]:
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _spot(
    points: npt.NDArray[Any], centre: tuple[float, float, float], size: tuple[float, float, float]
) -> npt.NDArray[Any]:
    return np.asarray(np.exp(-((((points - np.array(centre)) / np.array(size)) ** 2).sum(1))))


def anchors(skin: Part) -> dict[str, npt.NDArray[Any]]:
    """Named points (3,) on the face at rest, metres: mouth, nose tip, chin, eye corners, scalp's centre."""
    uv, points = vertex_uv(skin), skin.base

    def at(u: float, v: float) -> npt.NDArray[Any]:
        return np.asarray(points[((uv - (u, v)) ** 2).sum(1).argmin()])

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


# The hairline: m over the mouth, by azimuth in degrees from the front: forehead, temple, before the ear, over it, nape.
HAIRLINE_AZIMUTHS = (0, 28, 45, 60, 74, 84, 100, 118, 180)
HAIRLINE = (0.134, 0.131, 0.118, 0.094, 0.056, 0.064, 0.080, 0.040, 0.005)
HEAD_CENTRE = (0.0, 0.095, 0.085)  # m from the mouth


def _scalp(points: npt.NDArray[Any], mouth: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """1 well inside the hairline: skin that dense hair hides."""
    ray = points - mouth - HEAD_CENTRE
    azimuth = np.degrees(np.abs(np.arctan2(ray[:, 0], -ray[:, 1])))
    over = points[:, 2] - mouth[2] - np.interp(azimuth, HAIRLINE_AZIMUTHS, HAIRLINE)
    return np.asarray(_ramp(over, 0.0005, 0.011) * (np.linalg.norm(ray, axis=1) < 0.16))


def brow_line(
    a: dict[str, npt.NDArray[Any]], s: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """x, z and thickness in m of the left brow at `s`, 0 at the inner end and 1 at the tail."""
    inner, outer = a["left_inner_eye"], a["left_outer_eye"]
    x = inner[0] - 0.0005 + s * ((outer[0] - inner[0]) * 1.12)
    z = (inner[2] + outer[2]) / 2 + 0.0168 + 0.0056 * np.sin(np.pi * np.clip(s * 0.78, 0, 1))
    z = z - 0.0045 * np.clip(s - 0.65, 0, 1) / 0.35
    return x, z, np.interp(s, [0, 0.12, 0.55, 1.0], [0.0046, 0.0062, 0.0050, 0.0016])


def _brow(mirrored: npt.NDArray[Any], a: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The faint shadow of the finest hairs under a brow."""
    s = np.linspace(0.03, 0.97, 60)
    x, z, thick = brow_line(a, s)
    total = np.zeros(len(mirrored))
    for cx, cz, size in zip(x, z, thick, strict=True):
        d = ((mirrored[:, 0] - cx) ** 2 + (mirrored[:, 2] - cz - 0.001) ** 2) / (0.62 * size) ** 2
        total = np.maximum(total, np.exp(-d))
    return np.asarray(total * (mirrored[:, 1] < a["mouth"][1] + 0.03))


def masks(skin: Part) -> dict[str, npt.NDArray[Any]]:
    """{region: (V,) float32, 0 to 1}; `inner` is the cavity of the mouth, `under` the shadow under the eyes."""
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
        "inner": (
            ~face
            & (points[:, 1] < nose[1] + 0.14)  # back to the throat
            & (uv[:, 1] < 0.15)
            & (points[:, 2] > nose[2] - 0.09)
            & (points[:, 2] < nose[2] + 0.1)
        ).astype(np.float32),
        "cheeks": _spot(mirrored, cheek, (0.030, 0.04, 0.024)).astype(np.float32),
        "nose": _spot(points, (0, nose[1], nose[2] - 0.003), (0.016, 0.014, 0.013)).astype(np.float32),
        "lids": (socket * face).astype(np.float32),
        "under": _spot(mirrored, (left[0] - 0.004, left[1], left[2] - 0.0165), (0.016, 0.02, 0.006)).astype(np.float32),
        "scalp": _scalp(points, a["mouth"]).astype(np.float32),
        "brows": (_brow(mirrored, a) * face).astype(np.float32),
    }
