import numpy as np
import pytest

from studio.presenter.face import MOUTH_HALF_WIDTH, MOUTH_UV, vertex_uv
from studio.presenter.lips import COLUMNS, OVERLAP, Lips, find_lips, lips_alone
from studio.presenter.part import Part

STEP = 0.001  # of texture space
DROP = 0.02  # m, what the jaw opens by


@pytest.fixture(scope="module")
def skin() -> Part:
    """A flat face about the mouth, 1 m for 1 of texture space; the jaw takes along what is below the mouth."""
    u, v = np.meshgrid(np.arange(0.880, 0.938, STEP), MOUTH_UV[1] + np.arange(-0.032, 0.0325, STEP), indexing="ij")
    rows, columns = u.shape
    number = np.arange(u.size).reshape(u.shape)
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], axis=-1).reshape(-1, 4)
    base = np.stack([v - MOUTH_UV[1], np.zeros_like(u), MOUTH_UV[0] - u], axis=-1).reshape(-1, 3).astype(np.float32)
    jaw = np.zeros_like(base)
    jaw[base[:, 2] < 0, 2] = -DROP
    uv = np.stack([u, v], axis=-1).reshape(-1, 2)[quads].astype(np.float32)
    assert len(quads) == (rows - 1) * (columns - 1)
    return Part(base, {"jawOpen": jaw}, quads.astype(np.int32), uv)


@pytest.fixture(scope="module")
def lips(skin: Part) -> Lips:
    return find_lips(skin)


def test_each_vertex_has_its_texture_coordinate(skin: Part) -> None:
    uv = vertex_uv(skin)
    assert np.allclose(uv[:, 1] - MOUTH_UV[1], skin.base[:, 0], atol=1e-6)
    assert np.allclose(MOUTH_UV[0] - uv[:, 0], skin.base[:, 2], atol=1e-6)


def test_an_expression_moves_a_part_by_its_weight(skin: Part) -> None:
    assert np.allclose(skin.pose({"jawOpen": 0.5, "unknown": 1.0}) - skin.base, 0.5 * skin.deltas["jawOpen"])


def test_lips_are_found_on_their_sides_of_the_mouth(skin: Part, lips: Lips) -> None:
    assert (skin.base[lips.upper, 2] > 0).all()
    assert (skin.base[lips.lower, 2] < 0).all()
    for lip in (lips.upper, lips.lower):
        assert np.abs(skin.base[lip, 0]).max() < MOUTH_HALF_WIDTH
        assert len(lip) > 100


def test_skin_follows_the_lip_that_is_near(skin: Part, lips: Lips) -> None:
    assert lips.follow_upper[lips.upper].min() > 0.9
    assert lips.follow_lower[lips.lower].min() > 0.9
    assert lips.follow_upper[lips.lower].max() < 0.1
    far = np.abs(skin.base[:, 2]) > 0.025
    assert max(lips.follow_upper[far].max(), lips.follow_lower[far].max()) < 0.15


def test_the_opening_is_the_gap_in_metres(skin: Part, lips: Lips) -> None:
    rest = lips.opening(skin.base)
    assert lips.opening(skin.pose({"jawOpen": 0.5})) - rest == pytest.approx(0.5 * DROP, abs=1e-6)
    x, upper, lower = lips.edges(skin.base)
    assert len(x) == COLUMNS
    assert (np.diff(x) > 0).all()
    assert upper - lower == pytest.approx(np.full(COLUMNS, rest), abs=1e-6)


def test_an_open_mouth_is_left_as_it_is(skin: Part, lips: Lips) -> None:
    shape = skin.pose({"jawOpen": 0.5})
    assert np.array_equal(lips.contact(shape, 0.0), shape)


def test_a_seal_closes_the_mouth_over_its_whole_width(skin: Part, lips: Lips) -> None:
    closed = lips.contact(skin.base, 1.0)
    _, upper, lower = lips.edges(closed)
    assert upper - lower == pytest.approx(np.full(COLUMNS, OVERLAP), abs=3e-4)
    assert lips.opening(closed) <= 0
    half = lips.opening(lips.contact(skin.base, 0.5))
    assert lips.opening(closed) < half < lips.opening(skin.base)


def test_lips_do_not_pass_through_each_other(skin: Part, lips: Lips) -> None:
    shape = skin.pose({"jawOpen": -0.5})
    assert lips.opening(shape) < -0.002
    assert lips.opening(lips.contact(shape, 0.0)) == pytest.approx(OVERLAP, abs=3e-4)


def test_the_given_shape_is_not_changed(skin: Part, lips: Lips) -> None:
    before = skin.base.copy()
    lips.contact(skin.base, 1.0)
    assert np.array_equal(skin.base, before)


@pytest.mark.parametrize(("weights", "seal"), [({}, 0.0), ({"jawOpen": 0.4}, 0.0), ({"jawOpen": 0.4}, 0.7)])
def test_lips_alone_open_as_they_do_on_the_skin(skin: Part, lips: Lips, weights: dict[str, float], seal: float) -> None:
    alone = lips_alone(skin)
    assert len(alone.part.base) < len(skin.base)
    expected = lips.opening(lips.contact(skin.pose(weights), seal))
    assert alone.opening(weights | {"lipSeal": seal}) == pytest.approx(expected, abs=1e-6)
