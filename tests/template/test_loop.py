import math
from itertools import pairwise

import pytest

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.loop import CROSSFADE, FADE, PINGPONG, Loop, ShownFrame


def shown(loop: Loop, count: int, places: int) -> list[ShownFrame]:
    return [loop.shown(i, count) for i in range(places)]


def test_forth_and_back() -> None:
    assert [frame.index for frame in shown(Loop(), 4, 8)] == [0, 1, 2, 3, 2, 1, 0, 1]
    assert [frame.index for frame in shown(Loop(PINGPONG, 10, 13), 40, 6)] == [10, 11, 12, 11, 10, 11]
    assert not any(frame.share for frame in shown(Loop(), 4, 20))


@pytest.mark.parametrize("count", [1, 3, 5, 23, 24, 25, 100])
@pytest.mark.parametrize("kind", [PINGPONG, CROSSFADE])
def test_neighbours_stay_neighbours(kind: str, count: int) -> None:
    """The frame with the larger share moves on by one, but for where a dissolve passes its middle."""
    loop = Loop(kind, 7, 7 + count)
    for before, after in pairwise(shown(loop, 200, 5 * count)):
        assert all(index in loop.frames(200) for index in before.indices + after.indices)
        if before.share and after.share:
            assert (after.index, after.into) == (before.index + 1, before.into + 1)
            assert after.share - before.share == pytest.approx(1 / (min(FADE, count // 3) + 1))
        elif before.share:
            assert after.index in (before.into + 1, before.index + 1)
        elif kind == CROSSFADE and count > 1:
            assert after.index == before.index + 1
        else:
            assert abs(after.index - before.index) == (count > 1)


def test_a_dissolve_is_gone_through_evenly() -> None:
    places = shown(Loop(CROSSFADE), 40, 70)
    assert places[:28] == [ShownFrame(i) for i in range(28)]  # the first time there is nothing to dissolve from
    fading = places[28:40]
    assert [frame.indices for frame in fading] == [(28 + i, i) for i in range(12)]
    assert [round(13 * frame.share) for frame in fading] == list(range(1, 13))
    assert places[40:56] == [ShownFrame(i) for i in range(12, 28)]
    assert places[56].indices == (28, 0)


def test_a_dissolve_is_between_ends_that_are_alike() -> None:
    swaying = [CropBox(round(100 + 40 * math.sin(i / 16)), 50, 80) for i in range(120)]
    loop = Loop(CROSSFADE).matched(swaying)
    frames = loop.frames(120)
    assert frames.start <= 24
    assert frames.stop >= 96
    assert len(frames) - FADE == 101  # 100.5 is the period
    for kept in (Loop(CROSSFADE, 10, 60), Loop()):
        assert kept.matched(swaying) == kept
    still = [CropBox(1, 2, 80)] * 50
    assert Loop(CROSSFADE).matched(still).frames(50) == range(50)
    assert Loop(CROSSFADE).matched(still[:2]) == Loop(CROSSFADE)


def test_options() -> None:
    assert Loop.of("crossfade", "100:400") == Loop(CROSSFADE, 100, 400)
    assert Loop.of("pingpong", None) == Loop()
    assert Loop().frames(9) == range(9)
    for call, message in (
        (lambda: Loop("circle"), "loop 'circle'"),
        (lambda: Loop.of("pingpong", "100"), "'100' are no frames"),
        (lambda: Loop.of("pingpong", "-1:5"), "'-1:5' are no frames"),
        (lambda: Loop(first=5, stop=5).frames(9), "frames 5:5 do not exist"),
        (lambda: Loop(first=5, stop=10).frames(9), "has frames 0:9"),
    ):
        with pytest.raises(OptionError, match=message):
            call()
