from pathlib import Path

import numpy as np
import pytest

from studio.presenter.mesh import catmull_clark, part, read, subdivide_uv, write

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]], np.int32)
SQUARE = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float32)


def test_a_cube_becomes_rounder() -> None:
    matrix, quads = catmull_clark(CUBE, 8)
    assert matrix.shape == (8 + 12 + 6, 8)
    assert quads.shape == (24, 4)
    points = matrix @ CORNERS
    assert np.abs(points[:8]) == pytest.approx(np.full((8, 3), 5 / 9))  # (F + 2 R + P) / 3 of Catmull and Clark
    assert np.abs(points[8:20]).sum(1) == pytest.approx(np.full(12, 1.5))
    assert np.abs(points[20:]).sum(1) == pytest.approx(np.ones(6))


def test_new_vertices_are_means_of_old_ones() -> None:
    matrix, _ = catmull_clark(CUBE, 8)
    assert np.asarray(matrix.sum(1)).ravel() == pytest.approx(np.ones(26))


def test_a_border_keeps_to_its_own_curve() -> None:
    flat = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    matrix, quads = catmull_clark(np.array([[0, 1, 2, 3]]), 4)
    points = matrix @ flat
    assert points[0] == pytest.approx([1 / 8, 1 / 8, 0])
    assert sorted(map(tuple, points[4:8].tolist())) == [(0, 0.5, 0), (0.5, 0, 0), (0.5, 1, 0), (1, 0.5, 0)]
    assert (quads == 8).sum() == 4  # the face's own point is in all four


def test_texture_coordinates_are_divided_evenly() -> None:
    uv = subdivide_uv(SQUARE)
    assert uv.shape == (4, 4, 2)
    assert uv.mean(1) == pytest.approx(np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]))


def test_a_part_has_only_what_it_uses_and_what_moves_it(tmp_path: Path) -> None:
    moves = {"up": np.tile([0.0, 0.0, 1.0], (9, 1)), "elsewhere": np.eye(9)[:, 8:] * [1.0, 1.0, 1.0]}
    base = np.concatenate([CORNERS, [[9.0, 9.0, 9.0]]])
    piece = part(base, moves, CUBE, np.repeat(SQUARE, 6, axis=0), 1)
    assert piece.base.shape == (26, 3)
    assert list(piece.deltas) == ["up"]
    assert piece.pose({"up": 2.0}) - piece.base == pytest.approx(np.tile([0.0, 0.0, 2.0], (26, 1)), abs=1e-6)
    write({"piece": piece}, tmp_path / "head.npz")
    again = read(tmp_path / "head.npz")["piece"]
    assert np.array_equal(again.base, piece.base)
    assert np.array_equal(again.deltas["up"], piece.deltas["up"])
    assert np.array_equal(again.quads, piece.quads)
    assert np.array_equal(again.uv, piece.uv)
    assert [path.name for path in tmp_path.iterdir()] == ["head.npz"]
