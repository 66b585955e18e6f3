"""Bring the traced pictures onto the mesh: one texture of the face at rest and one ratio to it for each key expression."""

from dataclasses import dataclass
from pathlib import Path

import moderngl
import numpy as np
from bake import KEYS
from canvas import context, drawable, projection, texture, triangles, uniform_matrix
from clothes import jumper, normals
from eyes import ball, find
from lips import find_lips
from mesh import HEAD_UV, Part
from scipy.ndimage import gaussian_filter
from viewpoint import Camera

BASE, RATIO = 3072, 1024  # pixels, sides of the textures
DEPTH_TOLERANCE = 0.0009  # m; nearer than this to the foremost surface is visible


@dataclass(frozen=True)
class Textures:
    """What the frames are drawn with, linear light.

    Attributes:
        rest: (BASE, BASE, 3) float16, outgoing light of the face at rest.
        ratios: {key expression: (RATIO, RATIO, 3) float16}, logarithm of its light over that at rest.
        eye_light: (S, S, 3) float16, light on the eyes by place in the picture, 1 for a white ball.
        bust: (S, S, 3) float16, the picture itself, filled beyond its edges: for the clothes.
        hair: (S, S, 4) float16 premultiplied, the hair alone.
    """

    rest: np.ndarray
    ratios: dict[str, np.ndarray]
    eye_light: np.ndarray
    bust: np.ndarray
    hair: np.ndarray


def fill(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(H, W, C) colours where weight is 1, and a smooth continuation where it is 0: pull and push over a pyramid.

    Gortler et al., "The lumigraph", SIGGRAPH 1996.
    """
    import cv2

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
    return filled


def split(part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(W,) vertex of each drawn vertex, (F, 4) quads of drawn vertices, (W, 2) texture coordinates: seams come apart."""
    corners = np.concatenate([part.quads.reshape(-1, 1), np.round(part.uv.reshape(-1, 2) * 65536)], axis=1).astype(np.int64)
    unique, first, inverse = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    return unique[:, 0].astype(np.int32), inverse.reshape(-1, 4).astype(np.int32), part.uv.reshape(-1, 2)[first]


def atlas(uv: np.ndarray) -> np.ndarray:
    """Texture coordinates of the base mesh to those of our textures, 0 to 1 for the head."""
    left, bottom, size = HEAD_UV
    return (uv - (left, bottom)) / size


FLAT = """#version 330
in vec3 at; uniform mat4 view; void main() { gl_Position = view * vec4(at, 1.0); }"""
NOTHING = """#version 330
out vec4 colour; void main() { colour = vec4(1.0); }"""
UNFOLD = """#version 330
in vec3 at; in vec3 normal; in vec2 uv; uniform mat4 view; uniform vec3 eye; out vec4 clip; out float facing;
void main() {
    clip = view * vec4(at, 1.0); facing = dot(normalize(normal), normalize(eye - at));
    gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0);
}"""
GATHER = """#version 330
in vec4 clip; in float facing; uniform sampler2D picture; uniform sampler2D depth; uniform vec2 range; uniform float tolerance;
out vec4 colour;
float metres(float d) { d = d * 2.0 - 1.0; return 2.0 * range.x * range.y / (range.y + range.x - d * (range.y - range.x)); }
void main() {
    vec2 p = clip.xy / clip.w * 0.5 + 0.5;
    float behind = metres(clip.z / clip.w * 0.5 + 0.5) - metres(texture(depth, p).r);
    vec4 c = textureLod(picture, vec2(p.x, 1.0 - p.y), 0.0);
    float inside = step(0.0, p.x) * step(p.x, 1.0) * step(0.0, p.y) * step(p.y, 1.0);
    float weight = inside * step(behind, tolerance) * smoothstep(0.10, 0.45, facing) * step(0.98, c.a);
    colour = vec4(c.rgb / max(c.a, 0.01), weight);
}"""


def _solid_depth(gl: moderngl.Context, view: Camera, size: int, meshes: list[tuple[np.ndarray, np.ndarray]]) -> moderngl.Texture:
    """Depth of the foremost surface, as a texture."""
    depth = gl.depth_texture((size, size))
    depth.compare_func = ""
    depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
    target = gl.framebuffer([gl.renderbuffer((size, size))], depth)
    target.use()
    target.clear(depth=1.0)
    gl.enable(moderngl.DEPTH_TEST)
    program = gl.program(FLAT, NOTHING)
    program["view"].write(uniform_matrix(projection(view)))
    for points, quads in meshes:
        drawable(gl, program, triangles(quads), points).array.render()
    gl.disable(moderngl.DEPTH_TEST)
    return depth


def unwrap(parts: dict[str, Part], view: Camera, folder: Path) -> Textures:
    """Make the textures of what `bake` left in `folder`."""
    import cv2
    from canvas import FAR, NEAR

    gl = context()
    skin = parts["skin"]
    lips = find_lips(skin)
    of_vertex, quads, uv = split(skin)
    clothes = jumper(parts)
    balls = [(ball(eye)[0] + eye.centre, ball(eye)[1]) for eye in (find(parts["left_eye"]), find(parts["right_eye"]))]
    program = gl.program(UNFOLD, GATHER)
    eye = np.array(view.centre) - (0, view.distance, 0)
    gathered = {}
    for name, (weights, window) in {"rest": ({}, (0, 0, 1, 1)), **KEYS}.items():
        picture = np.load(folder / f"{name}.npy").astype(np.float32)
        size = len(picture)
        inside = np.zeros((size, size, 1), np.float32)
        left, top, right, bottom = (int(v * size) for v in window)
        inside[top + 2 : bottom - 2, left + 2 : right - 2] = 1
        points = lips.contact(skin.pose(weights), 0.0)
        solid = [(points, skin.quads), *clothes, *balls]
        solid += [(parts[n].pose(weights), parts[n].quads) for n in ("upper_teeth", "lower_teeth", "tongue")]
        depth = _solid_depth(gl, view, 2048, solid)
        target = gl.framebuffer([gl.texture((BASE, BASE), 4, dtype="f2")])
        target.use()
        target.clear()
        texture(gl, picture * inside, mipmaps=False).use(0)
        depth.use(1)
        program["picture"], program["depth"] = 0, 1
        program["range"], program["tolerance"] = (NEAR, FAR), DEPTH_TOLERANCE
        program["eye"] = tuple(eye)
        program["view"].write(uniform_matrix(projection(view)))
        drawn = drawable(
            gl, program, triangles(quads), points[of_vertex], normal=normals(points, skin.quads)[of_vertex], uv=atlas(uv)
        )
        drawn.array.render()
        read = np.frombuffer(target.read(components=4, dtype="f2"), np.float16).reshape(BASE, BASE, 4)
        gathered[name] = np.nan_to_num(read.astype(np.float32))
    weight = gathered["rest"][..., 3] ** 2
    total = gathered["rest"][..., :3] * weight[..., None]
    for name, share in (("open", 0.02), ("blink", 0.02)):
        w = gathered[name][..., 3] ** 2 * share
        total, weight = total + gathered[name][..., :3] * w[..., None], weight + w
    known = np.minimum(weight * 50, 1)
    rest = fill(total / np.maximum(weight, 1e-6)[..., None], known)
    base = np.maximum(rest, 1e-3)
    ratios = {}
    for name in KEYS:
        both = np.minimum(gathered[name][..., 3], gathered["rest"][..., 3])
        ratio = np.log(np.maximum(gathered[name][..., :3], 1e-3) / base) * both[..., None]
        small, w = (cv2.resize(x, (RATIO, RATIO), interpolation=cv2.INTER_AREA) for x in (ratio, both))
        small, w = (gaussian_filter(x, (1.6, 1.6, 0)[: x.ndim]) for x in (small, w))
        small = small / np.maximum(w, 1e-4)[..., None]
        ratios[name] = np.clip(fill(small, np.clip(w * 2, 0.002, 1)), -1.6, 1.2).astype(np.float16)

    picture = np.load(folder / "rest.npy").astype(np.float32)
    alpha = picture[..., 3]
    bust = fill(picture[..., :3] / np.maximum(alpha, 0.01)[..., None], (alpha > 0.99).astype(np.float32))
    mask = _eye_mask(gl, view, len(picture), [(skin.base, skin.quads)], balls)
    light = fill(picture[..., :3] / 0.7, mask)
    hair = np.load(folder / "hair.npy")
    gl.release()
    return Textures(rest.astype(np.float16), ratios, light.astype(np.float16), bust.astype(np.float16), hair)


def _eye_mask(gl: moderngl.Context, view: Camera, size: int, cover: list, balls: list) -> np.ndarray:
    """(size, size) float32, 1 where the eyes are seen at rest, a pixel of margin taken off."""
    from scipy.ndimage import binary_erosion

    target = gl.framebuffer([gl.texture((size, size), 1, dtype="f4")], gl.depth_renderbuffer((size, size)))
    target.use()
    target.clear(depth=1.0)
    gl.enable(moderngl.DEPTH_TEST)
    program = gl.program(
        FLAT, "#version 330\nuniform float value; out vec4 colour; void main() { colour = vec4(value); }"
    )
    program["view"].write(uniform_matrix(projection(view)))
    for meshes, value in ((cover, 0.0), (balls, 1.0)):
        program["value"] = value
        for points, quads in meshes:
            drawable(gl, program, triangles(quads), points).array.render()
    gl.disable(moderngl.DEPTH_TEST)
    seen = np.frombuffer(target.read(components=1, dtype="f4"), np.float32).reshape(size, size)[::-1]
    return binary_erosion(seen > 0.5, iterations=1).astype(np.float32)


def kept_textures(parts: dict[str, Part], view: Camera, folder: Path) -> Textures:
    """The textures of a bake; made the first time, read from `textures.npz` afterwards."""
    path = folder / "textures.npz"
    if not path.exists():
        made = unwrap(parts, view, folder)
        unfinished = folder / "textures.part.npz"
        np.savez(
            unfinished, rest=made.rest, eye_light=made.eye_light, bust=made.bust, hair=made.hair,
            **{f"ratio_{name}": value for name, value in made.ratios.items()},
        )  # fmt: skip
        unfinished.replace(path)
    with np.load(path) as kept:
        ratios = {name[6:]: kept[name] for name in kept.files if name.startswith("ratio_")}
        return Textures(kept["rest"], ratios, kept["eye_light"], kept["bust"], kept["hair"])
