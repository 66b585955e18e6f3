"""Draw a frame: the textured face under its expression weights, eyes, mouth, lashes, clothes, hair and background."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import moderngl
import numpy as np
from canvas import context, drawable, projection, texture, triangles, uniform_matrix
from clothes import jumper, normals
from eyes import ball, find, painting
from face import anchors, masks
from lips import find_lips
from mesh import Part
from teeth import row
from unwrap import Textures, atlas, split
from viewpoint import Camera

PIVOT = (0.0, 0.095, 0.015)  # m from the mouth to the joint on which the head nods
NECK = (-0.092, -0.018)  # m from the mouth, z: below the first the neck stays with the shoulders, above the second it turns
SEAL = "lipSeal"  # a weight beside ARKit's: lips pressed together, see `lips`


@dataclass(frozen=True)
class State:
    """A moment of the person.

    Attributes:
        weights: expression weights by ARKit's names, and `lipSeal`.
        turn: radians, the head's yaw (to the person's left), pitch (down), roll (to the person's left).
        shift: m, the head's translation.
        gaze: radians, yaw (to the person's left) and pitch (up) of the eyes in the head.
        breath: -1 to 1.
    """

    weights: dict[str, float] = field(default_factory=dict)
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3): first roll about y, then pitch about x, then yaw about z."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


VIEW = "#version 330\nuniform mat4 view;\n"
SKIN_VERTEX = VIEW + """in vec3 at; in vec2 uv; in float inner; in float left; in vec2 seen_at; out vec2 t; out vec2 s; out float cavity; out float side; out vec3 place;
void main() { gl_Position = view * vec4(at, 1.0); t = uv; s = seen_at; cavity = inner; side = left; place = at; }"""
SKIN_FRAGMENT = """#version 330
in vec2 t; in vec2 s; in float cavity; in float side; in vec3 place; uniform sampler2D picture;
uniform sampler2D rest; uniform sampler2D blink; uniform sampler2D open; uniform sampler2D pucker; uniform sampler2D stretch;
uniform vec4 share; uniform vec2 lids; uniform float mouth_front; out vec4 colour;
void main() {
    vec3 log_ratio = texture(blink, t).rgb * mix(lids.y, lids.x, smoothstep(0.45, 0.55, side)) + texture(open, t).rgb * share.x
        + texture(pucker, t).rgb * share.y + texture(stretch, t).rgb * share.z;
    bool head = all(greaterThan(t, vec2(0.0))) && all(lessThan(t, vec2(1.0)));
    vec3 skin = !head && cavity < 0.3 ? texture(picture, s).rgb : texture(rest, t).rgb * exp(clamp(log_ratio, -2.0, 1.0));
    float deep = clamp((place.y - mouth_front) / 0.030, 0.0, 1.0);
    vec3 flesh = vec3(0.10, 0.022, 0.018) * (1.0 - 0.93 * sqrt(deep)) * (0.35 + 0.65 * share.w);
    colour = vec4(mix(skin, flesh, smoothstep(0.3, 0.7, cavity)), 1.0);
}"""
PICTURE_VERTEX = VIEW + "in vec3 at; in vec2 uv; out vec2 t; void main() { gl_Position = view * vec4(at, 1.0); t = uv; }"
PICTURE_FRAGMENT = """#version 330
in vec2 t; uniform sampler2D picture; out vec4 colour;
void main() { colour = vec4(texture(picture, t).rgb, 1.0); }"""
HAIR_FRAGMENT = """#version 330
in vec2 t; uniform sampler2D picture; out vec4 colour;
void main() { colour = texture(picture, t); if (colour.a < 0.004) discard; }"""
EYE_VERTEX = VIEW + """in vec3 at; in vec3 normal; in vec3 local; in vec2 light_at; out vec3 n; out vec3 place; out vec3 l; out vec2 t;
void main() { gl_Position = view * vec4(at, 1.0); n = normal; place = at; l = local; t = light_at; }"""
EYE_FRAGMENT = """#version 330
in vec3 n; in vec3 place; in vec3 l; in vec2 t;
uniform sampler2D albedo; uniform sampler2D light; uniform vec3 camera; uniform float iris; uniform float wet;
uniform vec3 lamp_place[2]; uniform vec3 lamp_across[2]; uniform vec3 lamp_up[2]; uniform vec3 lamp_light[2];
out vec4 colour;
void main() {
    vec3 v = normalize(camera - place), m = normalize(n);
    float r = length(l.xz);
    vec2 p = l.xz;
    if (r < iris) {  // the cornea refracts: the iris lies behind the surface
        float depth = 0.16 * (1.0 - (r / iris) * (r / iris));
        p += (v.xz - m.xz * dot(v, m)) * depth * -0.55;
    }
    vec3 base = texture(albedo, vec2(p.x, -p.y) * 0.5 + 0.5).rgb;
    vec3 lit = texture(light, t).rgb;
    float level = dot(lit, vec3(0.33));
    vec3 c = base * mix(lit, vec3(level), 0.25);
    if (r < iris) c *= 1.0 + 0.55 * smoothstep(-0.1, 0.8, dot(normalize(vec2(p.x, p.y) + 1e-4), vec2(0.55, -0.8)) * r / iris);
    vec3 refl = reflect(-v, m);
    float f = 0.025 + 0.975 * pow(1.0 - max(dot(v, m), 0.0), 5.0);
    for (int k = 0; k < 2; k++) {
        vec3 axis = normalize(cross(lamp_across[k], lamp_up[k]));
        float d = dot(refl, axis);
        float s = dot(lamp_place[k] - place, axis) / (abs(d) < 1e-4 ? 1e-4 : d);
        vec3 hit = place + refl * s - lamp_place[k];
        vec2 q = vec2(dot(hit, lamp_across[k]) / dot(lamp_across[k], lamp_across[k]), dot(hit, lamp_up[k]) / dot(lamp_up[k], lamp_up[k]));
        float inside = step(0.0, s) * smoothstep(1.1, 0.9, abs(q.x)) * smoothstep(1.1, 0.9, abs(q.y));
        c += lamp_light[k] * inside * min(f, 0.08) * clamp(level * 2.2, 0.0, 1.0) * wet;
    }
    c += vec3(0.55, 0.6, 0.68) * f * 0.25 * level;
    colour = vec4(c, 1.0);
}"""
MOUTH_VERTEX = VIEW + """in vec3 at; in vec3 normal; in float kind; out vec3 n; out vec3 place; out float k;
void main() { gl_Position = view * vec4(at, 1.0); n = normal; place = at; k = kind; }"""
MOUTH_FRAGMENT = """#version 330
in vec3 n; in vec3 place; in float k; uniform vec3 camera; uniform vec3 key; uniform mat4 to_head; uniform vec2 across;
uniform vec2 edges[25]; uniform float front; out vec4 colour;
void main() {
    vec3 h = (to_head * vec4(place, 1.0)).xyz, m = normalize(n), v = normalize(camera - place);
    float s = clamp((h.x - across.x) / (across.y - across.x) * 24.0, 0.0, 23.999); int i = int(s);
    vec2 lip = mix(edges[i], edges[i + 1], s - float(i));  // z of the upper and of the lower lip
    float gap = max(lip.x - lip.y, 0.0), above = lip.x - h.z, below = h.z - lip.y, deep = max(h.y - front, 0.0);
    float open = 1.0 - exp(-gap / 0.0055);
    float shade = open * (0.22 + 0.78 * smoothstep(-0.001, 0.0065, above)) * (0.55 + 0.45 * smoothstep(-0.001, 0.004, below));
    shade *= 1.0 / (1.0 + pow(deep / 0.016, 2.0));
    vec3 tooth = mix(vec3(0.54, 0.48, 0.40), vec3(0.48, 0.41, 0.32), smoothstep(0.0, 0.02, deep));
    vec3 gum = vec3(0.34, 0.105, 0.09), tongue = vec3(0.36, 0.115, 0.10);
    vec3 base = k < 0.5 ? tooth : (k < 1.5 ? gum : tongue);
    float lambert = 0.34 + 0.66 * max(dot(m, normalize(key)), 0.0);
    vec3 half_way = normalize(normalize(key) + v);
    float gloss = pow(max(dot(m, half_way), 0.0), k < 0.5 ? 45.0 : 30.0) * (k < 0.5 ? 0.30 : 0.16);
    colour = vec4((base * lambert * 0.95 + gloss) * shade, 1.0);
}"""
STRAND_VERTEX = VIEW + "in vec3 at; in float cover; out float a; void main() { gl_Position = view * vec4(at, 1.0); a = cover; }"
STRAND_FRAGMENT = """#version 330
in float a; out vec4 colour; void main() { colour = vec4(vec3(0.012, 0.008, 0.006) * a, a); }"""


class Renderer:
    """Draws states of one person.

    Args:
        parts: of the head.
        textures: of `unwrap`.
        view: the camera of the bake.
        folder: of the bake, for the strands.
        size: pixels, of the square frames.
        oversampling: each pixel is the mean of this many squared.
    """

    def __init__(self, parts: dict[str, Part], textures: Textures, view: Camera, folder: Path, size: int = 720, oversampling: int = 2):
        self.parts, self.view, self.size, self.over = parts, view, size, oversampling
        gl = self.gl = context()
        side = size * oversampling
        self.target = gl.framebuffer([gl.texture((side, side), 4, dtype="f2")], gl.depth_renderbuffer((side, side)))
        self.matrix = uniform_matrix(projection(view))
        self.camera = np.array(view.centre) - (0, view.distance, 0)
        skin = self.skin = parts["skin"]
        self.mouth = anchors(skin)["mouth"].astype(np.float64)
        self.pivot = self.mouth + PIVOT
        self._skin(textures)
        self._eyes(textures)
        self._mouth()
        self._clothes(textures)
        self._hair(textures, folder)
        self._lashes(folder)
        self.background = self._background(side)

    def _program(self, vertex: str, fragment: str, **textures: moderngl.Texture) -> tuple[moderngl.Program, dict]:
        program = self.gl.program(vertex, fragment)
        program["view"].write(self.matrix)
        for unit, name in enumerate(textures):
            program[name] = unit
        return program, textures

    def _skin(self, textures: Textures) -> None:
        skin = self.skin
        maps = {"rest": texture(self.gl, textures.rest)} | {k: texture(self.gl, v) for k, v in textures.ratios.items()}
        maps["picture"] = texture(self.gl, textures.bust)
        maps["rest"].anisotropy = 4.0
        self.skin_program, self.skin_maps = self._program(SKIN_VERTEX, SKIN_FRAGMENT, **maps)
        self.of_vertex, quads, uv = split(skin)
        inner = masks(skin)["inner"][self.of_vertex]
        outside = uv[:, 0] < 0.2  # the eye sockets' island
        left = (skin.base[:, 0] > 0)[self.of_vertex].astype(np.float32)
        keep = ~outside[quads].any(1)
        self.skin_mesh = drawable(
            self.gl, self.skin_program, triangles(quads[keep]), skin.base[self.of_vertex], uv=atlas(uv), inner=inner, left=left,
            seen_at=self.view.project(skin.base)[self.of_vertex, :2],
        )
        height = skin.base - self.mouth
        height = height[:, 2] + 0.55 * np.clip(-height[:, 1] - 0.0 + 0.055, 0, 0.06)
        t = np.clip((height - NECK[0]) / (NECK[1] - NECK[0]), 0, 1)
        self.follows = (t * t * (3 - 2 * t)).astype(np.float32)[:, None]
        self.lips = find_lips(skin)

    def _eyes(self, textures: Textures) -> None:
        eyes = [find(self.parts["left_eye"]), find(self.parts["right_eye"])]
        program, self.eye_maps = self._program(
            EYE_VERTEX, EYE_FRAGMENT, albedo=texture(self.gl, painting(eyes[0])), light=texture(self.gl, textures.eye_light)
        )
        self.eyes_drawn = []
        program["camera"], program["iris"], program["wet"] = tuple(self.camera), eyes[0].iris, 1.0
        centre = np.array(self.view.centre)
        places = centre + np.array([(-0.75, -1.0, 0.62), (1.1, -0.9, 0.15)])
        across, up = [], []
        for place, half in zip(places, ((0.375, 0.375), (0.6, 0.7)), strict=True):
            axis = (centre - place) / np.linalg.norm(centre - place)
            a = np.cross(axis, (0, 0, 1.0))
            a /= np.linalg.norm(a)
            across.append(a * half[0])
            up.append(np.cross(a, axis) * half[1])
        program["lamp_place"], program["lamp_across"] = [tuple(p) for p in places], [tuple(p) for p in across]
        program["lamp_up"], program["lamp_light"] = [tuple(p) for p in up], [(10.5, 10.0, 9.4), (1.6, 1.7, 1.8)]
        for eye in eyes:
            points, quads = ball(eye)
            normal = normals(points, quads)
            at, n, light = (self.gl.buffer(np.zeros((len(points), c), np.float32), dynamic=True) for c in (3, 3, 2))
            local = self.gl.buffer((points / eye.radius).astype(np.float32))
            index = self.gl.buffer(triangles(quads))
            layout = [(at, "3f", "at"), (n, "3f", "normal"), (local, "3f", "local"), (light, "2f", "light_at")]
            array = self.gl.vertex_array(program, layout, index_buffer=index, index_element_size=4)
            sign = 1.0 if (normal[len(points) // 3] @ points[len(points) // 3]) > 0 else -1.0
            self.eyes_drawn.append((eye, points, normal * sign, at, n, light, array))

    def _mouth(self) -> None:
        program, _ = self._program(MOUTH_VERTEX, MOUTH_FRAGMENT)
        self.mouth_program = program
        program["camera"] = tuple(self.camera)
        program["key"] = (-0.45, -0.75, 0.42)
        self.mouth_meshes = []
        for name, upper in (("upper_teeth", True), ("lower_teeth", False)):
            points, quads, gum = row(self.parts[name], upper)
            self.mouth_meshes.append((name, points, quads, gum))
        tongue = self.parts["tongue"]
        self.mouth_meshes.append(("tongue", tongue.base, tongue.quads, np.full(len(tongue.base), 2.0)))
        self.mouth_drawn = []
        for name, points, quads, kind in self.mouth_meshes:
            at, n = (self.gl.buffer(np.zeros((len(points), 3), np.float32), dynamic=True) for _ in range(2))
            k = self.gl.buffer(kind.astype(np.float32))
            index = self.gl.buffer(triangles(quads))
            array = self.gl.vertex_array(program, [(at, "3f", "at"), (n, "3f", "normal"), (k, "1f", "kind")], index_buffer=index, index_element_size=4)
            self.mouth_drawn.append((name, points, quads, at, n, array))
        self.jaw = self._rigid("lower_teeth")

    def _rigid(self, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """{expression: (3, 4)} affine motion of the jaw, fitted to the helper's movement at weight 1."""
        helper = self.parts[name]
        one = np.concatenate([helper.base, np.ones((len(helper.base), 1))], 1)
        return {k: np.linalg.lstsq(one, d, rcond=None)[0].T for k, d in helper.deltas.items()}

    def _clothes(self, textures: Textures) -> None:
        program, self.cloth_maps = self._program(PICTURE_VERTEX, PICTURE_FRAGMENT, picture=texture(self.gl, textures.bust))
        self.clothes = []
        for points, quads in jumper(self.parts):
            mesh = drawable(self.gl, program, triangles(quads), points, uv=self.view.project(points)[:, :2])
            self.clothes.append((points, mesh))

    def _hair(self, textures: Textures, folder: Path) -> None:
        from unwrap import fill

        strands = np.load(folder / "strands.npz")["hair"].reshape(-1, 3)
        grid = 144
        p = self.view.project(strands)
        column, line = (np.clip((p[:, k] * grid).astype(int), 0, grid - 1) for k in (0, 1))
        depth = np.full((grid, grid), np.inf)
        np.minimum.at(depth, (line, column), p[:, 2])
        known = np.isfinite(depth).astype(np.float32)
        depth = fill(np.where(known > 0, depth, 0)[..., None].astype(np.float32), known)[..., 0]
        from scipy.ndimage import gaussian_filter

        depth = gaussian_filter(depth, 1.2)
        centres = (np.arange(grid) + 0.5) / grid
        u, v = np.meshgrid(centres, centres)
        self.hair_points = self.view.place(u, v, depth - 0.001).reshape(-1, 3).astype(np.float32)
        i, j = np.meshgrid(np.arange(grid - 1), np.arange(grid - 1), indexing="ij")
        quads = np.stack([i * grid + j, i * grid + j + 1, (i + 1) * grid + j + 1, (i + 1) * grid + j], -1).reshape(-1, 4)
        program, self.hair_maps = self._program(PICTURE_VERTEX, HAIR_FRAGMENT, picture=texture(self.gl, textures.hair.astype(np.float32)))
        self.hair_mesh = drawable(self.gl, program, triangles(quads), self.hair_points, uv=np.stack([u, v], -1).reshape(-1, 2))

    def _lashes(self, folder: Path) -> None:
        with np.load(folder / "strands.npz") as kept:
            self.lash_root, self.lash_curve, self.lash_upper = kept["index"], kept["curve"], kept["upper"]
        count, points, _ = self.lash_curve.shape
        program, _ = self._program(STRAND_VERTEX, STRAND_FRAGMENT)
        i, j = np.meshgrid(np.arange(count), np.arange(points - 1), indexing="ij")
        first = (i * points + j) * 2
        quads = np.stack([first, first + 1, first + 3, first + 2], -1).reshape(-1, 4)
        cover = np.tile(np.repeat(np.linspace(0.85, 0.30, points), 2), count)
        cover *= np.repeat(np.where(self.lash_upper, 1.0, 0.55), points * 2)
        self.lash_mesh = drawable(self.gl, program, triangles(quads), np.zeros((count * points * 2, 3), np.float32), cover=cover)

    def _background(self, side: int) -> np.ndarray:
        """(side, side, 3) linear light: a wall out of focus, lighter behind the head."""
        y, x = np.mgrid[0:side, 0:side] / side
        glow = np.exp(-(((x - 0.56) / 0.55) ** 2 + ((y - 0.42) / 0.6) ** 2))
        low, high = np.array([0.105, 0.125, 0.140]), np.array([0.36, 0.385, 0.39])
        return (low + (high - low) * glow[..., None]).astype(np.float32)

    def _to_world(self, state: State) -> np.ndarray:
        """(3, 4) motion of the head."""
        turn = rotation(*state.turn)
        return np.concatenate([turn, (self.pivot + state.shift - turn @ self.pivot)[:, None]], axis=1)

    def _breathe(self, points: np.ndarray, breath: float) -> np.ndarray:
        """m, (V, 3) what a breath moves."""
        below = np.clip((self.mouth[2] - 0.06 - points[:, 2]) / 0.12, 0, 1)[:, None]
        return below * np.float32(breath) * np.array([0.0, -0.0012, 0.0013], np.float32)

    def geometry(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """(V, 3) skin before and after the head's motion."""
        shape = self.lips.contact(self.skin.pose(state.weights), state.weights.get(SEAL, 0.0))
        motion = self._to_world(state).astype(np.float32)
        moved = shape @ motion[:, :3].T + motion[:, 3]
        world = shape + (moved - shape) * self.follows + self._breathe(shape, state.breath) * (1 - self.follows)
        return shape, world

    def opening(self, state: State) -> float:
        """m, the gap of the lips in the middle; 0 or less when they touch."""
        return self.lips.opening(self.geometry(state)[0])

    def linear(self, state: State) -> np.ndarray:
        """(size, size, 3) float32 linear RGB."""
        gl, w = self.gl, state.weights
        shape, world = self.geometry(state)
        motion = self._to_world(state)
        self.target.use()
        self.target.clear(0, 0, 0, 0, depth=1.0)
        gl.enable(moderngl.DEPTH_TEST)
        gl.disable(moderngl.BLEND)

        def bind(maps: Iterable[moderngl.Texture]) -> None:
            for unit, item in enumerate(maps):
                item.use(unit)

        bind(self.cloth_maps.values())
        for points, mesh in self.clothes:
            mesh.move(points + self._breathe(points, state.breath))
            mesh.array.render()

        x, upper, lower = self.lips.edges(shape)
        gap = float(np.clip((upper - lower).max() / 0.02, 0, 1))
        get = w.get
        self.skin_program["share"] = (
            float(np.clip(get("jawOpen", 0) / 0.5, 0, 1.2)),
            float(np.clip(max(get("mouthPucker", 0), get("mouthFunnel", 0)) / 0.9, 0, 1.1)),
            float(np.clip(max(get("mouthStretchLeft", 0) / 0.7, get("mouthSmileLeft", 0) / 0.8), 0, 1.2)),
            gap,
        )
        self.skin_program["lids"] = (float(np.clip(get("eyeBlinkLeft", 0), 0, 1)), float(np.clip(get("eyeBlinkRight", 0), 0, 1)))
        front = float(shape[self.lips.upper][:, 1].min())
        self.skin_program["mouth_front"] = front
        self.skin_mesh.move(world[self.of_vertex])
        bind(self.skin_maps.values())
        self.skin_mesh.array.render()

        bind(self.eye_maps.values())
        gaze = rotation(state.gaze[0], -state.gaze[1], 0.0)
        for eye, points, normal, at, n, light, array in self.eyes_drawn:
            local = points @ gaze.T + eye.centre
            at.write((local @ motion[:, :3].T + motion[:, 3]).astype(np.float32))
            n.write((normal @ (motion[:, :3] @ gaze).T).astype(np.float32))
            light.write(self.view.project(local)[:, :2].astype(np.float32))
            array.render()

        self.mouth_program["edges"] = [(float(a), float(b)) for a, b in zip(upper, lower, strict=True)]
        self.mouth_program["across"], self.mouth_program["front"] = (float(x[0]), float(x[-1])), front + 0.004
        inverse = np.eye(4)
        inverse[:3, :3], inverse[:3, 3] = motion[:, :3].T, -motion[:, :3].T @ motion[:, 3]
        self.mouth_program["to_head"].write(uniform_matrix(inverse))
        jaw = sum((np.float64(w[k]) * m for k, m in self.jaw.items() if w.get(k)), np.zeros((3, 4)))
        for name, points, quads, at, n, array in self.mouth_drawn:
            if name == "tongue":
                points = self.parts["tongue"].pose(w)
            elif name == "lower_teeth":
                points = points + points @ jaw[:, :3].T + jaw[:, 3]
            moved = points @ motion[:, :3].T + motion[:, 3]
            at.write(moved.astype(np.float32))
            n.write(normals(moved, quads).astype(np.float32))
            array.render()

        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self.target.depth_mask = False
        roots = world[self.lash_root]
        blink = np.where(self.skin.base[self.lash_root][:, 0] > 0, get("eyeBlinkLeft", 0), get("eyeBlinkRight", 0))
        curve = self.lash_curve.copy()
        tilt = np.where(self.lash_upper, 1 - 1.7 * blink, 1.0)[:, None]
        curve[..., 2] = curve[..., 2] * tilt
        strands = roots[:, None] + curve @ motion[:, :3].T.astype(np.float32) + np.float32((0, -0.0002, 0))
        along = np.gradient(strands, axis=1)
        across = np.stack([-along[..., 2], np.zeros_like(along[..., 0]), along[..., 0]], -1)
        across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
        width = np.linspace(0.00007, 0.00002, strands.shape[1], dtype=np.float32)[None, :, None]
        self.lash_mesh.move(np.stack([strands - across * width, strands + across * width], axis=2).reshape(-1, 3))
        self.lash_mesh.array.render()

        bind(self.hair_maps.values())
        self.hair_mesh.move((self.hair_points @ motion[:, :3].T + motion[:, 3]).astype(np.float32))
        self.hair_mesh.array.render()
        self.target.depth_mask = True

        side = self.size * self.over
        read = np.frombuffer(self.target.read(components=4, dtype="f2"), np.float16).reshape(side, side, 4)[::-1].astype(np.float32)
        picture = read[..., :3] + self.background * (1 - np.clip(read[..., 3:], 0, 1))
        return picture.reshape(self.size, self.over, self.size, self.over, 3).mean((1, 3))

    def frame(self, state: State) -> np.ndarray:
        """(size, size, 3) uint8 BGR, sRGB."""
        return develop(self.linear(state))


def develop(linear: np.ndarray, exposure: float = 1.12) -> np.ndarray:
    """Linear RGB to sRGB, BGR uint8, with a shoulder instead of clipping: values above 0.6 are compressed."""
    x = np.maximum(linear * exposure, 0)
    knee = 0.60
    x = np.where(x > knee, knee + (1 - knee) * (1 - np.exp(-(x - knee) / (1 - knee))), x)
    s = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055)
    return (np.clip(s, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1]
