"""What a frame is drawn of, one class a layer; each draws itself for a pose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from studio.presenter import shaders
from studio.presenter.canvas import Mesh, Program, texture
from studio.presenter.clothes import jumper, normals
from studio.presenter.eyes import ball, find, painting
from studio.presenter.face import masks
from studio.presenter.lamps import LAMPS
from studio.presenter.part import Part
from studio.presenter.teeth import row
from studio.presenter.unwrap import Textures, atlas, fill, split
from studio.presenter.viewpoint import Camera

HAIR_GRID = 144  # columns and rows of the relief that the hair's image lies on
HAIR_BEHIND = 0.13  # m behind the mouth: the hair that a turn uncovers is a flat image there


@dataclass(frozen=True)
class Pose:
    """The person at a moment, as geometry.

    Attributes:
        weights: of expressions.
        shape: (V, 3) float32 m, the skin in the head's own coordinates.
        world: (V, 3) float32 m, the skin where it is.
        motion: (3, 4) of the head.
        eyes: (3, 3) rotation of the eyes in the head.
        lips: (3, COLUMNS) x, upper and lower edge of `Lips.edges`.
        mouth_front: m, y of the foremost point of the upper lip in the head's own coordinates.
        breath: -1 to 1.
    """

    weights: dict[str, float]
    shape: npt.NDArray[Any]
    world: npt.NDArray[Any]
    motion: npt.NDArray[Any]
    eyes: npt.NDArray[Any]
    lips: npt.NDArray[Any]
    mouth_front: float
    breath: float

    def move(self, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Points of the head to where they are."""
        return np.asarray(points @ self.motion[:, :3].T + self.motion[:, 3])

    def weight(self, *names: str) -> float:
        """The largest of some weights."""
        return max(self.weights.get(name, 0.0) for name in names)


def share(value: float, full: float) -> float:
    """How much of a key expression a weight is; ratio images bear a little more than their own key."""
    return float(np.clip(value / full, 0.0, 1.15))


class Skin:
    """Face, neck and the inside of the mouth.

    Each pixel costs as much as the textures that its program reads, so the face has a program for each set of key
    expressions that a frame shows, and only the skin that the head's textures lack reads the image at rest.
    """

    def __init__(self, gl: moderngl.Context, view: Camera, skin: Part, textures: Textures):
        self.gl, self.view = gl, view
        maps = {"rest": textures.rest, **textures.ratios, "image": textures.bust}
        self.textures = {name: texture(gl, value) for name, value in maps.items()}
        for name in textures.ratios:  # they are smooth
            self.textures[name].filter = moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR
        self.vertex, quads, uv = split(skin)
        place = atlas(uv)
        sockets = uv[:, 0] < 0.2  # of the eyes: never seen, and they would cover the eyes
        quads = quads[~sockets[quads].any(1)]
        known = np.all((place > 0) & (place < 1), axis=1)[quads].all(1)
        self.head, self.rest = quads[known], quads[~known]
        self.attributes = {
            "at": skin.base[self.vertex],
            "uv": place,
            "inner": masks(skin)["inner"][self.vertex],
            "left": skin.base[self.vertex, 0] > 0,
            "seen_at": view.project(skin.base[self.vertex])[:, :2],
        }
        self.drawn: dict[tuple[str, ...], tuple[Program, Mesh]] = {}

    def draw(self, pose: Pose) -> None:
        """The skin, lit as the nearest key expressions are."""
        shares = {
            "open": share(pose.weight("jawOpen"), 0.5),
            "pucker": share(pose.weight("mouthPucker", "mouthFunnel"), 0.9),
            "stretch": max(share(pose.weight("mouthStretchLeft"), 0.7), share(pose.weight("mouthSmileLeft"), 0.8)),
        }
        lids = tuple(share(pose.weight(f"eyeBlink{side}"), 0.91) for side in ("Left", "Right"))
        shown = [name for name, value in (("blink", max(lids)), *shares.items()) if value]
        gap = float(np.clip((pose.lips[1] - pose.lips[2]).max() / 0.02, 0, 1))
        uniforms = {"share": (*shares.values(), gap), "lids": lids, "mouth_front": pose.mouth_front}
        for names in (("rest", *shown), ("rest", *shown, "image")):
            program, mesh = self._program(names)
            for name in uniforms.keys() & set(program.inner):
                program[name] = uniforms[name]
            program.use()
            mesh.draw(at=pose.world[self.vertex])

    def _program(self, names: tuple[str, ...]) -> tuple[Program, Mesh]:
        """The program that reads these textures, and what it draws."""
        if names not in self.drawn:
            read = {name: self.textures[name] for name in names}
            program = Program(self.gl, (shaders.SKIN_VERTEX, shaders.skin(names)), self.view, **read)
            quads = self.rest if "image" in names else self.head
            self.drawn[names] = program, program.mesh(quads, **self.attributes)
        return self.drawn[names]


class Eyes:
    """Both eyeballs, that mirror the two large lamps."""

    def __init__(self, gl: moderngl.Context, view: Camera, parts: dict[str, Part], textures: Textures):
        self.view = view
        eyes = [find(parts["left_eye"]), find(parts["right_eye"])]
        self.program = Program(
            gl,
            (shaders.EYE_VERTEX, shaders.EYE),
            view,
            albedo=texture(gl, painting(eyes[0])),
            light=texture(gl, textures.eye_light),
        )
        self.program["camera"], self.program["iris"] = view.position, eyes[0].iris
        self._lamps(np.array(view.centre))
        self.balls = []
        for eye in eyes:
            points, quads = ball(eye)
            normal = normals(points, quads)
            normal *= np.sign((normal * points).sum(1).mean())
            mesh = self.program.mesh(quads, at=points, normal=normal, local=points / eye.radius, light_at=points[:, :2])
            self.balls.append((eye.centre, points, normal, mesh))

    def _lamps(self, centre: npt.NDArray[Any]) -> None:
        places, across, up, light = [], [], [], []
        for lamp in LAMPS[:2]:
            axis = -np.array(lamp.place) / np.linalg.norm(lamp.place)
            sideways = np.cross(axis, (0, 0, 1.0))
            sideways /= np.linalg.norm(sideways)
            places.append(tuple(centre + lamp.place))
            across.append(tuple(sideways * lamp.size[0] / 2))
            up.append(tuple(np.cross(sideways, axis) * lamp.size[1] / 2))
            light.append(tuple(np.array(lamp.colour) * lamp.watts / (np.pi * lamp.size[0] * lamp.size[1])))
        for name, values in zip(("place", "across", "up", "light"), (places, across, up, light), strict=True):
            self.program[f"lamp_{name}"] = values

    def draw(self, pose: Pose) -> None:
        """The eyes; light stays with the head while they turn."""
        self.program.use()
        for centre, points, normal, mesh in self.balls:
            local = points @ pose.eyes.T + centre
            mesh.draw(
                at=pose.move(local),
                normal=normal @ (pose.motion[:, :3] @ pose.eyes).T,
                light_at=self.view.project(local)[:, :2],
            )


class Mouth:
    """Teeth, gums and tongue, darker the less the lips are open."""

    def __init__(self, gl: moderngl.Context, view: Camera, parts: dict[str, Part]):
        self.program = Program(gl, (shaders.MOUTH_VERTEX, shaders.MOUTH), view)
        self.program["camera"], self.program["key"] = view.position, LAMPS[0].place
        self.tongue, self.rows = parts["tongue"], {}
        lower = parts["lower_teeth"]
        one = np.concatenate([lower.base, np.ones((len(lower.base), 1))], 1)
        # the jaw is rigid: {expression: (3, 4)} motion at weight 1, fitted to the base mesh's teeth
        self.jaw = {name: np.linalg.lstsq(one, delta, rcond=None)[0].T for name, delta in lower.deltas.items()}
        for name, kind in (("upper_teeth", None), ("lower_teeth", None), ("tongue", 2.0)):
            if kind is None:
                points, quads, kinds = row(parts[name], name == "upper_teeth")
            else:
                points, quads, kinds = self.tongue.base, self.tongue.quads, np.full(len(self.tongue.base), kind)
            mesh = self.program.mesh(quads, at=points, normal=points, kind=kinds)
            self.rows[name] = (points, quads, mesh)

    def draw(self, pose: Pose) -> None:
        """Everything, also what the lips hide."""
        x, upper, lower = pose.lips
        self.program["edges"] = list(zip(upper.tolist(), lower.tolist(), strict=True))
        self.program["across"], self.program["front"] = (float(x[0]), float(x[-1])), pose.mouth_front + 0.004
        back = np.eye(4)
        back[:3, :3], back[:3, 3] = pose.motion[:, :3].T, -pose.motion[:, :3].T @ pose.motion[:, 3]
        self.program["to_head"] = back
        jaw = sum((w * self.jaw[k] for k, w in pose.weights.items() if w and k in self.jaw), np.zeros((3, 4)))
        for name, (points, quads, mesh) in self.rows.items():
            if name == "lower_teeth":
                points = points + points @ jaw[:, :3].T + jaw[:, 3]
            elif name == "tongue":
                points = self.tongue.pose(pose.weights)
            moved = pose.move(points)
            mesh.draw(at=moved, normal=normals(moved, quads))


class Clothes:
    """The jumper, as the image at rest shows it."""

    def __init__(self, gl: moderngl.Context, view: Camera, parts: dict[str, Part], textures: Textures):
        self.program = Program(
            gl, (shaders.IMAGE_VERTEX, shaders.IMAGE), view, image=texture(gl, with_alpha(textures.bust))
        )
        self.pieces = [
            (points, self.program.mesh(quads, at=points, uv=view.project(points)[:, :2]))
            for points, quads in jumper(parts)
        ]

    def draw(self, breathed: list[npt.NDArray[Any]]) -> None:
        """The pieces, moved by these (V, 3) m."""
        self.program.use()
        for (points, mesh), moved in zip(self.pieces, breathed, strict=True):
            mesh.draw(at=points + moved)


def with_alpha(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W, 3) to (H, W, 4) that covers."""
    return np.concatenate([image, np.ones_like(image[..., :1])], axis=2)


class Hair:
    """The hair's image on a relief of the strands' depth, and behind it all hair as a flat image."""

    def __init__(self, gl: moderngl.Context, view: Camera, textures: Textures, folder: Path):
        both = (shaders.IMAGE_VERTEX, shaders.IMAGE)
        self.front = Program(gl, both, view, image=texture(gl, textures.hair))
        self.behind = Program(gl, both, view, image=texture(gl, textures.hair_behind))
        with np.load(folder / "strands.npz") as kept:
            seen = view.project(kept["hair"].reshape(-1, 3))
        cell = [np.clip((seen[:, k] * HAIR_GRID).astype(int), 0, HAIR_GRID - 1) for k in (1, 0)]
        depth = np.full((HAIR_GRID, HAIR_GRID), np.inf, np.float32)
        np.minimum.at(depth, tuple(cell), seen[:, 2].astype(np.float32))
        known = np.isfinite(depth)
        depth = fill(np.where(known, depth, 0)[..., None], known.astype(np.float32))[..., 0]
        middle = (np.arange(HAIR_GRID) + 0.5) / HAIR_GRID
        u, v = np.meshgrid(middle, middle)
        self.relief = view.place(u, v, gaussian_filter(depth, 1.2) - 0.001).reshape(-1, 3)
        i, j = np.meshgrid(np.arange(HAIR_GRID - 1), np.arange(HAIR_GRID - 1), indexing="ij")
        first = i * HAIR_GRID + j
        quads = np.stack([first, first + 1, first + HAIR_GRID + 1, first + HAIR_GRID], -1).reshape(-1, 4)
        self.front_mesh = self.front.mesh(quads, at=self.relief, uv=np.stack([u, v], -1).reshape(-1, 2))
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
        self.plane = view.place(corners[:, 0], corners[:, 1], np.full(4, view.distance + HAIR_BEHIND))
        self.behind_mesh = self.behind.mesh(np.array([[0, 1, 2, 3]]), at=self.plane, uv=corners)

    def draw_behind(self, pose: Pose) -> None:
        """Before everything else."""
        self.behind.use()
        self.behind_mesh.draw(at=pose.move(self.plane))

    def draw(self, pose: Pose) -> None:
        """After everything that it covers."""
        self.front.use()
        self.front_mesh.draw(at=pose.move(self.relief))


class Lashes:
    """Lashes as ribbons that face the camera; the upper ones tip over as the lids close."""

    def __init__(self, gl: moderngl.Context, view: Camera, skin: Part, folder: Path):
        with np.load(folder / "strands.npz") as kept:
            self.root, self.curve, self.upper = kept["index"], kept["curve"], kept["upper"]
        self.left = skin.base[self.root, 0] > 0
        count, points, _ = self.curve.shape
        i, j = np.meshgrid(np.arange(count), np.arange(points - 1), indexing="ij")
        first = (i * points + j) * 2
        cover = np.tile(np.repeat(np.linspace(0.64, 0.10, points), 2), count)
        cover *= np.repeat(np.where(self.upper, 1.0, 0.55), points * 2)
        self.program = Program(gl, (shaders.STRAND_VERTEX, shaders.STRAND), view)
        self.mesh = self.program.mesh(
            np.stack([first, first + 1, first + 3, first + 2], -1).reshape(-1, 4),
            at=np.zeros((count * points * 2, 3)),
            cover=cover,
        )

    def draw(self, pose: Pose) -> None:
        """The lashes on the lids where they are."""
        closed = np.where(self.left, pose.weight("eyeBlinkLeft"), pose.weight("eyeBlinkRight"))
        curve = self.curve.copy()
        curve[..., 2] *= np.where(self.upper, 1 - 1.7 * closed, 1.0)[:, None]
        strands = pose.world[self.root][:, None] + curve @ pose.motion[:, :3].T
        along = np.gradient(strands, axis=1)
        across = np.stack([-along[..., 2], np.zeros(along.shape[:2]), along[..., 0]], -1)
        across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
        across *= np.linspace(0.00016, 0.00012, strands.shape[1])[:, None]  # not thinner than a pixel
        self.mesh.draw(at=np.stack([strands - across, strands + across], axis=2).reshape(-1, 3))
