"""A frame of the person at a moment: geometry, then the layers from back to front, then light to sRGB."""

from pathlib import Path
from typing import Any

import cv2
import moderngl
import numpy as np
import numpy.typing as npt

from studio.presenter.canvas import context, pixels, target
from studio.presenter.face import anchors
from studio.presenter.layers import Clothes, Eyes, Hair, Lashes, Mouth, Pose, Skin
from studio.presenter.lips import find_lips
from studio.presenter.part import Part
from studio.presenter.state import SEAL, State
from studio.presenter.unwrap import Textures
from studio.presenter.viewpoint import Camera
from studio.presenter.window import Window

PIVOT = (0.0, 0.095, 0.015)  # m from the mouth to the joint on which the head nods
NECK = (
    -0.092,
    -0.018,
)  # m over the mouth: below the first the neck stays with the shoulders, above the second it turns
BREATH = (0.0, -0.0012, 0.0013)  # m, what a deep breath moves the chest by


def rotation(yaw: float, pitch: float, roll: float) -> npt.NDArray[Any]:
    """(3, 3): first roll about y, then pitch about x, then yaw about z."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


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

    def __init__(
        self,
        parts: dict[str, Part],
        textures: Textures,
        view: Camera,
        folder: Path,
        size: int = 720,
        oversampling: int = 2,
    ):
        self.size, self.oversampling = size, oversampling
        self.gl = context()
        self.target = target(self.gl, size * oversampling, 4, "f2")
        skin = self.skin = parts["skin"]
        self.lips = find_lips(skin)
        self.mouth = anchors(skin)["mouth"].astype(np.float64)
        self.pivot = self.mouth + PIVOT
        height = skin.base - self.mouth
        # the chin is as low as the neck, and turns
        height = height[:, 2] + 0.55 * np.clip(0.055 - height[:, 1], 0, 0.06)
        t = np.clip((height - NECK[0]) / (NECK[1] - NECK[0]), 0, 1)
        self.follows = (t * t * (3 - 2 * t)).astype(np.float32)[:, None]
        self.face = Skin(self.gl, view, skin, textures)
        self.eyes = Eyes(self.gl, view, parts, textures)
        self.inside = Mouth(self.gl, view, parts)
        self.clothes = Clothes(self.gl, view, parts, textures)
        self.hair = Hair(self.gl, view, textures, folder)
        self.lashes = Lashes(self.gl, view, skin, folder)
        self.wall = wall(size * oversampling)

    def breathe(self, points: npt.NDArray[Any], breath: float) -> npt.NDArray[Any]:
        """m, (V, 3): what a breath moves points of the body by."""
        below = np.clip((self.mouth[2] - 0.06 - points[:, 2]) / 0.12, 0, 1)[:, None]
        return np.asarray((below * breath * BREATH).astype(np.float32))

    def pose(self, state: State) -> Pose:
        """The geometry of a state."""
        shape = self.lips.contact(self.skin.pose(state.weights), state.weights.get(SEAL, 0.0))
        turn = rotation(*state.turn)
        motion = np.concatenate([turn, (self.pivot + state.shift - turn @ self.pivot)[:, None]], axis=1)
        moved = shape @ motion[:, :3].T.astype(np.float32) + motion[:, 3].astype(np.float32)
        world = shape + (moved - shape) * self.follows + self.breathe(shape, state.breath) * (1 - self.follows)
        return Pose(
            state.weights,
            shape,
            world,
            motion,
            rotation(state.gaze[0], -state.gaze[1], 0.0),
            np.stack(self.lips.edges(shape)),
            float(shape[self.lips.upper, 1].min()),
            state.breath,
        )

    def linear(self, state: State, window: Window | None = None) -> npt.NDArray[Any]:
        """(height, width, 3) float32 linear RGB of the window, or of the whole frame."""
        gl, pose = self.gl, self.pose(state)
        left, top, right, bottom = (at * self.oversampling for at in window or Window(0, 0, self.size, self.size))
        # OpenGL counts rows from below; nothing outside is drawn
        part = left, self.size * self.oversampling - bottom, right - left, bottom - top
        self.target.scissor = part
        self.target.use()
        self.target.clear(depth=1.0)
        gl.enable(moderngl.DEPTH_TEST)
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self.target.depth_mask = False
        self.hair.draw_behind(pose)
        self.target.depth_mask = True
        self.clothes.draw([self.breathe(points, state.breath) for points, _ in self.clothes.pieces])
        self.face.draw(pose)
        self.eyes.draw(pose)
        self.inside.draw(pose)
        self.target.depth_mask = False
        self.lashes.draw(pose)
        gl.disable(moderngl.DEPTH_TEST)  # what covers the hair is already left out of its image
        self.hair.draw(pose)
        self.target.depth_mask = True
        drawn = pixels(self.target, 4, "f2", part).astype(np.float32)
        image = drawn[..., :3] + self.wall[top:bottom, left:right] * (1 - np.clip(drawn[..., 3:], 0, 1))
        size = (right - left) // self.oversampling, (bottom - top) // self.oversampling
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))

    def frame(self, state: State, window: Window | None = None) -> npt.NDArray[Any]:
        """(height, width, 3) uint8 BGR, sRGB, of the window, or of the whole frame."""
        return develop(self.linear(state, window))


def wall(side: int) -> npt.NDArray[Any]:
    """(side, side, 3) float32 linear light: a wall out of focus, lighter behind the head."""
    y, x = np.mgrid[0:side, 0:side] / side
    glow = np.exp(-(((x - 0.56) / 0.55) ** 2 + ((y - 0.42) / 0.6) ** 2))
    low, high = np.array([0.150, 0.150, 0.148]), np.array([0.43, 0.425, 0.405])
    return np.asarray((low + (high - low) * glow[..., None]).astype(np.float32))


def develop(linear: npt.NDArray[Any], exposure: float = 1.12, knee: float = 0.60) -> npt.NDArray[Any]:
    """Linear RGB to sRGB, BGR uint8; above the knee light is compressed instead of clipped."""
    x = np.maximum(linear * exposure, 0)
    x = np.where(x > knee, knee + (1 - knee) * (1 - np.exp(-(x - knee) / (1 - knee))), x)
    s = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055)
    return (np.clip(s, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1]
