"""Bring the traced images onto the mesh: the face at rest as a texture, key expressions as ratios to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import moderngl
import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, gaussian_filter

from studio.presenter import shaders
from studio.presenter.canvas import FAR, NEAR, Program, context, pixels, target, texture
from studio.presenter.clothes import jumper, normals
from studio.presenter.eyes import ball, find
from studio.presenter.key_expressions import KEYS, WHITE
from studio.presenter.lips import find_lips
from studio.presenter.mesh import HEAD_UV
from studio.presenter.part import Part
from studio.presenter.viewpoint import Camera

Surface = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # (V, 3) points m and (F, 4) quads
BASE, RATIO = 3072, 2048  # pixels, sides of the textures
HIDDEN = {"open": 0.42, "blink": 0.85}  # what is hidden at rest, and its light then: insides of lips, folds of lids
EDGE = 5  # pixels of a texture beside what is hidden that show a mixture with what hides it
DEPTH_TOLERANCE = 0.0009  # m; nearer than this to the foremost surface is visible


@dataclass(frozen=True)
class Textures:
    """What the frames are drawn with, linear light.

    Attributes:
        rest: (BASE, BASE, 3) float16, outgoing light of the face at rest.
        ratios: {key expression: (RATIO, RATIO, 3) float16}, logarithm of its light over that at rest.
        eye_light: (S, S, 3) float16, light on the eyes by place in the image, 1 for a white ball.
        bust: (S, S, 3) float16, the image itself, filled beyond its edges: for the clothes.
        hair: (S, S, 4) float16 premultiplied, the hair alone, where the head does not cover it.
        hair_behind: likewise, as if there were no head.
    """

    rest: npt.NDArray[Any]
    ratios: dict[str, npt.NDArray[Any]]
    eye_light: npt.NDArray[Any]
    bust: npt.NDArray[Any]
    hair: npt.NDArray[Any]
    hair_behind: npt.NDArray[Any]


def fill(colour: npt.NDArray[Any], weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W, C) colours where weight is 1, and a smooth continuation where it is 0: pull and push over a pyramid.

    Gortler et al., "The lumigraph", SIGGRAPH 1996.
    """
    levels = [(colour * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        c, w = levels[-1]
        size = ((w.shape[1] + 1) // 2, (w.shape[0] + 1) // 2)
        c, w = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (c, w))
        c = c.reshape(*w.shape, -1)
        strength = np.minimum(w * 4, 1) / np.maximum(w, 1e-8)
        levels.append((c * strength[..., None], w * strength))
    c, w = levels.pop()
    filled = c / np.maximum(w, 1e-8)[..., None]
    while levels:
        c, w = levels.pop()
        up = cv2.resize(filled, w.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*w.shape, -1)
        share = np.clip(w, 0, 1)[..., None]
        filled = c / np.maximum(w, 1e-8)[..., None] * share + up * (1 - share)
    return np.asarray(filled)


def split(part: Part) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """(W,) vertex of each drawn vertex, (F, 4) quads of those, (W, 2) texture coordinates: seams come apart."""
    corners = np.concatenate([part.quads.reshape(-1, 1), np.round(part.uv.reshape(-1, 2) * 65536)], axis=1).astype(
        np.int64
    )
    unique, first, inverse = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    return unique[:, 0].astype(np.int32), inverse.reshape(-1, 4).astype(np.int32), part.uv.reshape(-1, 2)[first]


def atlas(uv: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Texture coordinates of the base mesh to those of our textures, 0 to 1 for the head."""
    left, bottom, size = HEAD_UV
    return (uv - (left, bottom)) / size


def _solid_depth(gl: moderngl.Context, view: Camera, meshes: list[Surface], size: int = 2048) -> moderngl.Texture:
    """Depth of the foremost surface, as a texture."""
    depth = gl.depth_texture((size, size))
    depth.compare_func = ""
    depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
    drawn = gl.framebuffer([gl.renderbuffer((size, size))], depth)
    drawn.use()
    drawn.clear(depth=1.0)
    gl.enable(moderngl.DEPTH_TEST)
    program = Program(gl, (shaders.SOLID_VERTEX, shaders.SOLID), view)
    for points, quads in meshes:
        program.mesh(quads, at=points).draw()
    gl.disable(moderngl.DEPTH_TEST)
    return depth


def _eye_mask(
    gl: moderngl.Context, view: Camera, size: int, cover: list[Surface], balls: list[Surface]
) -> npt.NDArray[Any]:
    """(size, size) float32, 1 where the eyes are seen at rest, a pixel of margin taken off."""
    drawn = target(gl, size, 1, "f4")
    drawn.use()
    drawn.clear(depth=1.0)
    gl.enable(moderngl.DEPTH_TEST)
    program = Program(gl, (shaders.SOLID_VERTEX, shaders.SOLID), view)
    for meshes, value in ((cover, 0.0), (balls, 1.0)):
        program["value"] = value
        for points, quads in meshes:
            program.mesh(quads, at=points).draw()
    gl.disable(moderngl.DEPTH_TEST)
    return np.asarray(binary_erosion(pixels(drawn, 1, "f4")[..., 0] > 0.5).astype(np.float32))


def _gather(parts: dict[str, Part], view: Camera, gl: moderngl.Context, folder: Path) -> dict[str, npt.NDArray[Any]]:
    """{key expression and `rest`: (BASE, BASE, 4)} light by texture coordinate, and how well it was seen, 0 to 1."""
    skin = parts["skin"]
    lips = find_lips(skin)
    vertex, quads, uv = split(skin)
    others = [*jumper(parts), *_balls(parts)]
    gathered = {}
    for name, (weights, window) in {"rest": ({}, (0, 0, 1, 1)), **KEYS}.items():
        image = np.load(folder / f"{name}.npy").astype(np.float32)
        inside = np.zeros((*image.shape[:2], 1), np.float32)
        left, top, right, bottom = (int(share * len(image)) for share in window)
        inside[top + 2 : bottom - 2, left + 2 : right - 2] = 1
        points = lips.contact(skin.pose(weights), 0.0)
        mouth = [(parts[n].pose(weights), parts[n].quads) for n in ("upper_teeth", "lower_teeth", "tongue")]
        depth = _solid_depth(gl, view, [(points, skin.quads), *others, *mouth])
        drawn = gl.framebuffer([gl.texture((BASE, BASE), 4, dtype="f2")])
        drawn.use()
        drawn.clear()
        seen = texture(gl, image * inside, mipmaps=False)
        program = Program(gl, (shaders.UNFOLD_VERTEX, shaders.UNFOLD), view, image=seen, depth=depth)
        program["range"], program["tolerance"], program["camera"] = (NEAR, FAR), DEPTH_TOLERANCE, view.position
        program.use()
        normal = normals(points, skin.quads)[vertex]
        program.mesh(quads, at=points[vertex], normal=normal, uv=atlas(uv)).draw()
        read = np.nan_to_num(pixels(drawn, 4, "f2")[::-1].astype(np.float32))
        read[..., 3] = cv2.erode(read[..., 3], np.ones((EDGE, EDGE)))
        gathered[name] = read
    return gathered


def _balls(parts: dict[str, Part]) -> list[Surface]:
    eyes = [find(parts[side]) for side in ("left_eye", "right_eye")]
    return [(points + eye.centre, quads) for eye in eyes for points, quads in [ball(eye)]]


def unwrap(parts: dict[str, Part], view: Camera, folder: Path) -> Textures:
    """Make the textures of what `bake` left in `folder`."""
    gl = context()
    gathered = _gather(parts, view, gl, folder)
    seen = gathered["rest"][..., 3]
    weight = seen**2
    total = gathered["rest"][..., :3] * weight[..., None]
    for name, dark in HIDDEN.items():
        extra = gathered[name][..., 3] ** 2 * 0.02
        total, weight = total + gathered[name][..., :3] * (extra * dark)[..., None], weight + extra
    rest = fill(total / np.maximum(weight, 1e-6)[..., None], np.minimum(weight * 50, 1))
    ratios = {}
    for name in KEYS:
        both = np.where(seen < 0.02, gathered[name][..., 3], np.minimum(gathered[name][..., 3], seen))
        ratio = np.log(np.maximum(gathered[name][..., :3], 1e-3) / np.maximum(rest, 1e-3)) * both[..., None]
        small, w = (cv2.resize(x, (RATIO, RATIO), interpolation=cv2.INTER_AREA) for x in (ratio, both))
        small, w = (gaussian_filter(x, (1.2, 1.2, 0)[: x.ndim]) for x in (small, w))
        small = fill(small / np.maximum(w, 1e-4)[..., None], np.clip(w * 2, 0.002, 1))
        ratios[name] = np.clip(small, -2.0, 2.5).astype(np.float16)
    image = np.load(folder / "rest.npy").astype(np.float32)
    colour, alpha = image[..., :3], image[..., 3]
    bust = fill(colour / np.maximum(alpha, 0.01)[..., None], (alpha > 0.99).astype(np.float32))
    mask = _eye_mask(gl, view, len(image), [(parts["skin"].base, parts["skin"].quads)], _balls(parts))
    light = fill(colour / WHITE, mask)
    gl.release()
    hair = [np.load(folder / f"{name}.npy") for name in ("hair", "hair_behind")]
    return Textures(rest.astype(np.float16), ratios, light.astype(np.float16), bust.astype(np.float16), *hair)


def kept_textures(parts: dict[str, Part], view: Camera, folder: Path) -> Textures:
    """The textures of a bake; made the first time, read from `textures.npz` afterwards."""
    path = folder / "textures.npz"
    if not path.exists():
        unwrapped = unwrap(parts, view, folder)
        unfinished = folder / "textures.part.npz"
        np.savez(
            unfinished, rest=unwrapped.rest, eye_light=unwrapped.eye_light, bust=unwrapped.bust, hair=unwrapped.hair,
            hair_behind=unwrapped.hair_behind,
            **{f"ratio_{name}": value for name, value in unwrapped.ratios.items()},  # type: ignore[arg-type]
        )  # fmt: skip
        unfinished.replace(path)
    with np.load(path) as kept:
        ratios = {name[6:]: kept[name] for name in kept.files if name.startswith("ratio_")}
        return Textures(kept["rest"], ratios, kept["eye_light"], kept["bust"], kept["hair"], kept["hair_behind"])
