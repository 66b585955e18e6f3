"""OpenGL without a window: a linear-light image with depth, drawn larger than it is wanted, and meshes on it.

Works on Mesa's software rasteriser (EGL_PLATFORM=surfaceless) as on a graphics card.
"""

import os
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from studio.presenter.viewpoint import Camera

NEAR, FAR = 0.6, 3.0  # m from the camera


def context() -> moderngl.Context:
    """A context of its own, without a display."""
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    return moderngl.create_standalone_context(backend="egl")


def projection(view: Camera) -> npt.NDArray[Any]:
    """(4, 4) float32 from homogeneous metres to clip space, to be multiplied from the left."""
    f = 2 * view.distance / view.width
    x, y, z = view.centre
    a, b = (FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)
    depth = np.array([0, 1, 0, view.distance - y])
    return np.array([[f, 0, 0, -f * x], [0, 0, f, -f * z], a * depth + (0, 0, 0, b), depth], np.float32)


def triangles(quads: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(F, 4) to (2 F, 3) int32."""
    return np.ascontiguousarray(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]), np.int32)


def uniform(matrix: npt.NDArray[Any]) -> bytes:
    """A matrix column by column, as OpenGL has it."""
    return np.ascontiguousarray(matrix.T, np.float32).tobytes()


def texture(gl: moderngl.Context, image: npt.NDArray[Any], mipmaps: bool = True) -> moderngl.Texture:
    """(H, W, C) floats, first row at texture coordinate 0, as 16 bit."""
    height, width, channels = image.shape
    created = gl.texture((width, height), channels, np.ascontiguousarray(image, np.float16).tobytes(), dtype="f2")
    created.repeat_x = created.repeat_y = False
    if mipmaps:
        created.build_mipmaps()
    created.filter = (moderngl.LINEAR_MIPMAP_LINEAR if mipmaps else moderngl.LINEAR, moderngl.LINEAR)
    return created


def target(gl: moderngl.Context, side: int, channels: int, dtype: str) -> moderngl.Framebuffer:
    """A square to draw on, with depth."""
    return gl.framebuffer([gl.texture((side, side), channels, dtype=dtype)], gl.depth_renderbuffer((side, side)))


def pixels(
    drawn: moderngl.Framebuffer, channels: int, dtype: str, part: tuple[int, int, int, int] | None = None
) -> npt.NDArray[Any]:
    """(height, width, channels), first row on top; `part` is left, bottom, width and height, all without one."""
    part = part or (0, 0, drawn.width, drawn.height)
    data = drawn.read(part, components=channels, dtype=dtype)
    kind = {"f2": np.float16, "f4": np.float32}[dtype]
    return np.frombuffer(data, kind).reshape(part[3], part[2], channels)[::-1]


class Program:
    """A shader program with its textures and the camera.

    Args:
        gl: the context.
        shaders: GLSL of the vertices and of the pixels.
        view: the camera.
        textures: by the names of their samplers.
    """

    def __init__(self, gl: moderngl.Context, shaders: tuple[str, str], view: Camera, **textures: moderngl.Texture):
        self.gl, self.textures = gl, textures
        self.inner = gl.program(*shaders)
        self.inner["view"].write(uniform(projection(view)))
        for unit, name in enumerate(textures):
            self.inner[name] = unit

    def __setitem__(self, name: str, value: object) -> None:
        if isinstance(value, np.ndarray):
            self.inner[name].write(uniform(value))
        else:
            self.inner[name] = value

    def use(self) -> None:
        """Bind the textures."""
        for unit, item in enumerate(self.textures.values()):
            item.use(unit)

    def mesh(self, quads: npt.NDArray[Any], **attributes: npt.NDArray[Any]) -> "Mesh":
        """A mesh; attributes by name, (V,) or (V, n) floats, those that the program does not know are left out."""
        buffers, layout = {}, []
        for name, values in attributes.items():
            if name in self.inner:
                values = np.ascontiguousarray(values, np.float32).reshape(len(values), -1)
                buffers[name] = self.gl.buffer(values, dynamic=True)
                layout.append((buffers[name], f"{values.shape[1]}f", name))
        index = self.gl.buffer(triangles(quads))
        return Mesh(buffers, self.gl.vertex_array(self.inner, layout, index_buffer=index, index_element_size=4))


class Mesh:
    """A mesh of a program, whose attributes may change between images."""

    def __init__(self, buffers: dict[str, moderngl.Buffer], array: moderngl.VertexArray):
        self.buffers, self.array = buffers, array

    def draw(self, **changed: npt.NDArray[Any]) -> None:
        """Draw, with new values of some attributes."""
        for name, values in changed.items():
            self.buffers[name].write(np.ascontiguousarray(values, np.float32))
        self.array.render()
