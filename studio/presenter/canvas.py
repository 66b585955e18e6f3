"""OpenGL without a window: a linear-light picture with depth, drawn at twice its size, and the programs that draw in it.

Works on Mesa's software rasteriser (EGL_PLATFORM=surfaceless) as on a graphics card.
"""

import os
from dataclasses import dataclass

import moderngl
import numpy as np
from viewpoint import Camera

NEAR, FAR = 0.6, 3.0  # m from the camera


def context() -> moderngl.Context:
    """A context of its own, without a display."""
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    return moderngl.create_standalone_context(backend="egl")


def projection(view: Camera) -> np.ndarray:
    """(4, 4) float32 from homogeneous metres to clip space, to be multiplied from the left."""
    f = 2 * view.distance / view.width
    x, y, z = view.centre
    a = (FAR + NEAR) / (FAR - NEAR)
    b = -2 * FAR * NEAR / (FAR - NEAR)
    depth = np.array([0, 1, 0, view.distance - y])
    return np.array(
        [[f, 0, 0, -f * x], [0, 0, f, -f * z], a * depth + (0, 0, 0, b), depth], np.float32
    )  # fmt: skip


def triangles(quads: np.ndarray) -> np.ndarray:
    """(2 F, 3) int32."""
    return np.ascontiguousarray(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]), np.int32)


def uniform_matrix(matrix: np.ndarray) -> bytes:
    """Column by column, as OpenGL has it."""
    return np.ascontiguousarray(matrix.T, np.float32).tobytes()


def texture(gl: moderngl.Context, picture: np.ndarray, mipmaps: bool = True) -> moderngl.Texture:
    """(H, W, C) floats, first row at texture coordinate 0, as 16 bit."""
    height, width, channels = picture.shape
    made = gl.texture((width, height), channels, np.ascontiguousarray(picture, np.float16).tobytes(), dtype="f2")
    made.repeat_x = made.repeat_y = False
    if mipmaps:
        made.build_mipmaps()
        made.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
    else:
        made.filter = (moderngl.LINEAR, moderngl.LINEAR)
    return made


@dataclass
class Drawable:
    """A mesh on the canvas whose points may change between pictures."""

    points: moderngl.Buffer
    array: moderngl.VertexArray

    def move(self, points: np.ndarray) -> None:
        """(V, 3) float32 metres."""
        self.points.write(np.ascontiguousarray(points, np.float32))


def drawable(gl: moderngl.Context, program: moderngl.Program, faces: np.ndarray, points: np.ndarray, **fixed: np.ndarray) -> Drawable:  # fmt: skip
    """A mesh for `program`: input `at` is the points, the others by name, (V, n) floats."""
    moving = gl.buffer(np.ascontiguousarray(points, np.float32), dynamic=True)
    layout = [(moving, "3f", "at")]
    for name, values in fixed.items():
        if name in program:
            values = np.ascontiguousarray(values, np.float32).reshape(len(points), -1)
            layout.append((gl.buffer(values), f"{values.shape[1]}f", name))
    index = gl.buffer(np.ascontiguousarray(faces, np.int32))
    return Drawable(moving, gl.vertex_array(program, layout, index_buffer=index, index_element_size=4))
