"""The scene for the path tracer: skin, eyes, clothes, hair, lamps and camera, made with Blender as a Python package.

Coordinates are those of `mesh`. Colours are linear, Rec. 709 primaries.
"""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Vector

from studio.presenter.face import masks
from studio.presenter.lamps import LAMPS
from studio.presenter.part import Part
from studio.presenter.viewpoint import Camera


def reset() -> None:
    """An empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def mesh_object(name: str, vertices: npt.NDArray[Any], quads: npt.NDArray[Any]) -> bpy.types.Object:
    """A smooth-shaded mesh in the scene."""
    data = bpy.data.meshes.new(name)
    data.from_pydata(vertices.tolist(), [], quads.tolist())
    data.polygons.foreach_set("use_smooth", np.ones(len(quads), bool))
    item = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(item)
    return item


def attribute(item: bpy.types.Object, name: str, values: npt.NDArray[Any]) -> None:
    """(V, 3) colours as an attribute of the vertices."""
    layer = item.data.color_attributes.new(name, "FLOAT_COLOR", "POINT")
    layer.data.foreach_set("color", np.concatenate([values, np.ones((len(values), 1))], 1).astype(np.float32).ravel())


class Nodes:
    """Shader nodes of a new material, written in fewer words."""

    def __init__(self, name: str):
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def add(self, kind: str, settings: dict[str, object] | None = None, **inputs: object) -> bpy.types.Node:
        """A node; inputs by name with `_` for a blank, a value or a socket to connect."""
        node = self.tree.nodes.new(kind)
        for key, value in (settings or {}).items():
            setattr(node, key, value)
        for key, value in inputs.items():
            place = (
                node.inputs[int(key[1:])] if key[0] == "i" and key[1:].isdigit() else node.inputs[key.replace("_", " ")]
            )
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, place)
            else:
                place.default_value = value
        return node

    def surface(self, shader: bpy.types.Node) -> bpy.types.Material:
        """Make `shader` the surface, and give the material."""
        self.add("ShaderNodeOutputMaterial", Surface=shader.outputs[0])
        return self.material


def skin_colours(skin: Part) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(V, 3) albedo, and (V, 3) of roughness, share of pores, wetness."""
    m = masks(skin)
    tone = np.array([0.60, 0.365, 0.265])
    colour = np.tile(tone, (len(skin.base), 1))

    def tint(mask: npt.NDArray[Any], to: tuple[float, float, float], amount: float) -> None:
        nonlocal colour
        share = (mask * amount)[:, None]
        colour = colour * (1 - share) + np.array(to) * share

    tint(m["cheeks"], (0.60, 0.27, 0.20), 0.36)
    tint(m["nose"], (0.58, 0.28, 0.21), 0.40)
    tint(m["lids"], (0.52, 0.28, 0.21), 0.45)
    tint(m["under"], (0.47, 0.27, 0.24), 0.35)
    tint(m["lips"], (0.47, 0.150, 0.130), 0.85)
    tint(m["inner"], (0.28, 0.06, 0.05), 1.0)
    tint(m["scalp"], (0.060, 0.036, 0.024), 0.93)
    tint(m["brows"], (0.30, 0.17, 0.12), 0.42)
    rough = 0.47 - 0.10 * m["nose"] + 0.03 * m["cheeks"]
    rough = rough * (1 - m["lips"]) + 0.33 * m["lips"]
    return colour, np.stack([rough, 1 - 0.9 * m["lips"] - 0.5 * m["lids"], m["inner"]], axis=1)


def skin_material() -> bpy.types.Material:
    """Subsurface skin: mottled colour, pores and fine lines as bumps, vertex colours `albedo` and `surface`."""
    n = Nodes("skin")
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    albedo = n.add("ShaderNodeVertexColor", {"layer_name": "albedo"})
    surface = n.add(
        "ShaderNodeSeparateColor", Color=n.add("ShaderNodeVertexColor", {"layer_name": "surface"}).outputs[0]
    )
    mottle = n.add("ShaderNodeTexNoise", Vector=place, Scale=260.0, Detail=6.0, Roughness=0.65)
    patches = n.add("ShaderNodeTexNoise", Vector=place, Scale=55.0, Detail=3.0)
    red = n.add("ShaderNodeMapRange", Value=mottle.outputs[0], From_Min=0.3, From_Max=0.7, To_Min=0.95, To_Max=1.04)
    green = n.add("ShaderNodeMapRange", Value=mottle.outputs[0], From_Min=0.3, From_Max=0.7, To_Min=0.91, To_Max=1.07)
    shade = n.add("ShaderNodeCombineColor", Red=red.outputs[0], Green=green.outputs[0], Blue=green.outputs[0])
    mixed = n.add(
        "ShaderNodeMix",
        {"data_type": "RGBA", "blend_type": "MULTIPLY"},
        i0=1.0,
        i6=albedo.outputs[0],
        i7=shade.outputs[0],
    )
    blotch = n.add(
        "ShaderNodeMapRange", Value=patches.outputs[0], From_Min=0.35, From_Max=0.65, To_Min=0.965, To_Max=1.025
    )
    tone = n.add("ShaderNodeCombineColor", Red=1.0, Green=blotch.outputs[0], Blue=blotch.outputs[0])
    base = n.add(
        "ShaderNodeMix",
        {"data_type": "RGBA", "blend_type": "MULTIPLY"},
        i0=1.0,
        i6=mixed.outputs[2],
        i7=tone.outputs[0],
    )
    pores = n.add("ShaderNodeTexVoronoi", {"feature": "F1"}, Vector=place, Scale=1250.0, Randomness=1.0)
    lines = n.add("ShaderNodeTexNoise", Vector=place, Scale=520.0, Detail=5.0, Roughness=0.6)
    height = n.add("ShaderNodeMath", {"operation": "MULTIPLY_ADD"}, i0=pores.outputs[0], i1=0.45, i2=lines.outputs[0])
    depth = n.add("ShaderNodeMath", {"operation": "MULTIPLY"}, i0=height.outputs[0], i1=surface.outputs[1])
    bump = n.add("ShaderNodeBump", Strength=0.42, Distance=0.0011, Height=depth.outputs[0])
    rough = n.add("ShaderNodeMath", {"operation": "MULTIPLY_ADD"}, i0=mottle.outputs[0], i1=0.14, i2=surface.outputs[0])
    rough = n.add("ShaderNodeMath", {"operation": "SUBTRACT"}, i0=rough.outputs[0], i1=0.07)
    shader = n.add(
        "ShaderNodeBsdfPrincipled", {"subsurface_method": "RANDOM_WALK_SKIN"},
        Base_Color=base.outputs[2], Roughness=rough.outputs[0], Subsurface_Weight=1.0, Subsurface_Scale=0.0016,
        Subsurface_Radius=(1.0, 0.42, 0.24), Subsurface_Anisotropy=0.6, IOR=1.40, Specular_IOR_Level=0.42,
        Normal=bump.outputs[0],
    )  # fmt: skip
    return n.surface(shader)


def plain_material(
    name: str, colour: tuple[float, float, float], roughness: float, **inputs: object
) -> bpy.types.Material:
    """One colour."""
    n = Nodes(name)
    return n.surface(n.add("ShaderNodeBsdfPrincipled", None, Base_Color=(*colour, 1.0), Roughness=roughness, **inputs))


def lights(centre: tuple[float, float, float]) -> None:
    """The lamps, and a dim room."""
    for lamp in LAMPS:
        data = bpy.data.lights.new("soft box", "AREA")
        data.shape, data.energy, data.color = "RECTANGLE", lamp.watts, lamp.colour
        data.size, data.size_y = lamp.size
        item = bpy.data.objects.new("soft box", data)
        item.location = Vector(centre) + Vector(lamp.place)
        item.rotation_euler = (-Vector(lamp.place)).to_track_quat("-Z", "Y").to_euler()
        bpy.context.collection.objects.link(item)
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value, background.inputs[1].default_value = (0.55, 0.60, 0.68, 1), 0.27


def camera(view: Camera) -> None:
    """The scene's camera."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens = 36.0, 36.0 * view.distance / view.width
    item = bpy.data.objects.new("camera", data)
    item.location = Vector(view.centre) - Vector((0, view.distance, 0))
    item.rotation_euler = (np.pi / 2, 0, 0)
    bpy.context.collection.objects.link(item)
    bpy.context.scene.camera = item


def render(
    path: Path, size: int, samples: int, window: tuple[float, float, float, float] | None = None
) -> npt.NDArray[Any]:
    """Path-trace to linear (size, size, 4) float32 RGBA, zero outside `window` (left, top, right, bottom; shares)."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.samples, cycles.use_denoising, cycles.denoiser = samples, True, "OPENIMAGEDENOISE"
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = True, 0.02
    cycles.max_bounces, cycles.transparent_max_bounces, cycles.sample_clamp_indirect = 4, 8, 3.0
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Raw"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.use_border = scene.render.use_crop_to_border = False
    if window:
        left, top, right, bottom = window
        scene.render.use_border = True
        scene.render.border_min_x, scene.render.border_max_x = left, right
        scene.render.border_min_y, scene.render.border_max_y = 1 - bottom, 1 - top
    scene.render.filepath = str(path.with_suffix(".exr"))
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path.with_suffix(".exr")), check_existing=False)
    image.colorspace_settings.name = "Non-Color"
    pixels = np.empty(size * size * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(size, size, 4)[::-1].copy()


def hair_object(
    name: str, strands: npt.NDArray[Any], root: float, tip: float, material: bpy.types.Material
) -> bpy.types.Object:
    """Curves of (N, K, 3) points, their radius in metres from root to tip."""
    count, points, _ = strands.shape
    data = bpy.data.hair_curves.new(name)
    data.add_curves([points] * count)
    data.attributes["position"].data.foreach_set("vector", strands.astype(np.float32).ravel())
    radius = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", np.tile(np.linspace(root, tip, points, dtype=np.float32), count))
    data.materials.append(material)
    item = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(item)
    return item


def hair_material(name: str, melanin: float, redness: float, roughness: float = 0.32) -> bpy.types.Material:
    """Chiang's hair shading, every strand a little different."""
    n = Nodes(name)
    shader = n.add(
        "ShaderNodeBsdfHairPrincipled", {"parametrization": "MELANIN"}, Melanin=melanin, Melanin_Redness=redness,
        Roughness=roughness, Radial_Roughness=0.45, Coat=0.0, Random_Color=0.55, Random_Roughness=0.25,
    )  # fmt: skip
    return n.surface(shader)


def cloth_material(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    """A fine knit."""
    n = Nodes(name)
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    knit = n.add(
        "ShaderNodeTexWave", {"bands_direction": "DIAGONAL"}, Vector=place, Scale=260.0, Distortion=1.5, Detail=2.0
    )
    fuzz = n.add("ShaderNodeTexNoise", Vector=place, Scale=900.0, Detail=3.0)
    folds = n.add("ShaderNodeTexNoise", Vector=place, Scale=14.0, Detail=2.0)
    mixed = n.add("ShaderNodeMath", {"operation": "MULTIPLY_ADD"}, i0=fuzz.outputs[0], i1=0.7, i2=knit.outputs[0])
    bump = n.add("ShaderNodeBump", Strength=0.25, Distance=0.0006, Height=mixed.outputs[0])
    fold = n.add("ShaderNodeBump", Strength=0.35, Distance=0.02, Height=folds.outputs[0], Normal=bump.outputs[0])
    shader = n.add(
        "ShaderNodeBsdfPrincipled", Base_Color=(*colour, 1.0), Roughness=0.85, Sheen_Weight=0.35, Sheen_Roughness=0.4,
        Specular_IOR_Level=0.2, Normal=fold.outputs[0],
    )  # fmt: skip
    return n.surface(shader)
