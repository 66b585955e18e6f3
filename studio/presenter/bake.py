"""Path-trace the few images that all frames are made of: the face under key expressions, the hair.

Each image is kept as soon as it is done, so that an interrupted bake goes on where it stopped.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.clothes import jumper
from studio.presenter.eyes import ball, find
from studio.presenter.hair import HairStyle, brows, lashes, scalp_hair, stray_hair
from studio.presenter.key_expressions import KEYS, SAMPLES, SIZE, WHITE
from studio.presenter.lips import find_lips
from studio.presenter.mesh import Character, build
from studio.presenter.part import Part
from studio.presenter.scene import (
    attribute,
    camera,
    cloth_material,
    hair_material,
    hair_object,
    lights,
    mesh_object,
    plain_material,
    render,
    reset,
    skin_colours,
    skin_material,
)
from studio.presenter.viewpoint import frame_camera


@dataclass(frozen=True)
class Look:
    """What the person wears and how finely the images are traced.

    Attributes:
        cloth: linear colour of the jumper.
        melanin, redness: of the hair, 0 to 1.
        size: pixels, of the square images.
        samples: rays a pixel; they are denoised.
    """

    character: Character = field(default_factory=Character)
    style: HairStyle = field(default_factory=HairStyle)
    cloth: tuple[float, float, float] = (0.030, 0.072, 0.098)
    melanin: float = 0.66
    redness: float = 0.48
    size: int = SIZE
    samples: int = SAMPLES


def bake(look: Look, folder: Path) -> None:
    """Write `rest.npy`, `hair.npy`, `hair_behind.npy` and one file a key expression.

    Each is (size, size, 4) float16, linear RGBA, premultiplied.
    """
    parts = build(look.character, folder / "head.npz")
    skin = parts["skin"]
    lips = find_lips(skin)
    strands = scalp_hair(skin, look.style)
    strays = stray_hair(strands, 420)
    brow_strands, lash = brows(skin), lashes(skin)
    np.savez(folder / "strands.npz", hair=strands[::4], index=lash.index, curve=lash.curve, upper=lash.upper)
    colour, surface = skin_colours(skin)
    view = frame_camera(parts)

    def trace(
        name: str,
        weights: dict[str, float],
        window: tuple[float, float, float, float] | None,
        hair_only: bool = False,
        uncovered: bool = False,
    ) -> None:
        path = folder / f"{name}.npy"
        if path.exists():
            return
        started = time.time()
        reset()
        item = mesh_object("skin", lips.contact(skin.pose(weights), 0.0), skin.quads)
        attribute(item, "albedo", colour)
        attribute(item, "surface", surface)
        item.data.materials.append(skin_material())
        solid = [item]
        for side in ("left_eye", "right_eye"):  # white balls: the light that falls on the eyes
            eye = find(parts[side])
            points, quads = ball(eye)
            item = mesh_object(side, points + eye.centre, quads)
            item.data.materials.append(plain_material(side, (WHITE, WHITE, WHITE), 1.0, Specular_IOR_Level=0.0))
            solid.append(item)
        if weights.get("jawOpen"):
            for name_ in ("upper_teeth", "lower_teeth", "tongue"):
                item = mesh_object(name_, parts[name_].pose(weights), parts[name_].quads)
                item.data.materials.append(plain_material(name_, (0.5, 0.4, 0.38), 0.4))
                solid.append(item)
        for index, (points, quads) in enumerate(jumper(parts)):
            item = mesh_object(f"cloth {index}", points, quads)
            item.data.materials.append(cloth_material(f"cloth {index}", look.cloth))
            solid.append(item)
        material = hair_material("hair", look.melanin, look.redness)
        thin = 1 if hair_only else 4  # unseen hair only casts shadows
        long = [
            hair_object("hair", strands[::thin], 6e-5 * thin**0.5, 4.5e-5 * thin**0.5, material),
            hair_object("strays", strays, 4e-5, 2e-5, material),
        ]
        edge = hair_object("lashes", skin.pose(weights)[lash.index][:, None] + lash.curve, 5e-5, 1e-5, material)
        edge.visible_camera = False
        if hair_only:
            for item in solid:
                item.is_holdout = not uncovered
                item.visible_camera = not uncovered
        else:
            for item in long:
                item.visible_camera = False
            moved = follow(skin, brow_strands, weights)
            hair_object("brows", moved, 5e-5, 1.5e-5, hair_material("brows", 0.90, 0.35))
        lights(view.centre)
        camera(view)
        pixels = render(folder / name, look.size, look.samples, window)
        (folder / name).with_suffix(".exr").unlink()
        unfinished = folder / f"{name}.part.npy"
        np.save(unfinished, pixels.astype(np.float16))
        unfinished.replace(path)
        print(f"{name}: {time.time() - started:.0f} s", flush=True)

    trace("rest", {}, None)
    trace("hair", {}, None, hair_only=True)
    trace("hair_behind", {}, None, hair_only=True, uncovered=True)  # what a turn of the head uncovers
    for name, (weights, window) in KEYS.items():
        trace(name, weights, window)


def follow(skin: Part, strands: npt.NDArray[Any], weights: dict[str, float]) -> npt.NDArray[Any]:
    """Strands moved with the skin under their roots."""
    from scipy.spatial import cKDTree

    if not weights:
        return strands
    _, nearest = cKDTree(skin.base).query(strands[:, 0])
    return np.asarray(strands + (skin.pose(weights) - skin.base)[nearest][:, None])
