import numpy as np
import numpy.typing as npt
import pytest

from faces import draw_face
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.face.steady import RenderedFrame, Steadier, steadied
from frame_generation_pipeline.spec import FACE_328
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.sequence import TemplateFrame
from samples import draw

BOX = CropBox(80, 72, 160)
MOUTH = np.s_[60:120, 40:130]  # of the box


def face(opening: float = 0.0, flicker: str = "") -> Frame:
    """A crop, and with `flicker` a noise of that name on it, of soft shapes."""
    crop = BOX.cut(draw_face(opening=opening)).astype(np.float32)
    if flicker:
        crop += 3 * draw(flicker, (10, 10, 3)).repeat(16, axis=0).repeat(16, axis=1)
    return crop.round().clip(0, 255).astype(np.uint8)


def rendered(patch: Frame, keep: npt.NDArray[np.bool_] | None = None) -> RenderedFrame:
    return RenderedFrame(TemplateFrame(draw_face(), BOX, keep), patch)


def change(patch: Frame, other: Frame) -> float:
    return float(np.abs(patch[MOUTH].astype(int) - other[MOUTH]).mean())


def test_flicker_goes_and_motion_stays() -> None:
    still = face()
    noisy = [face(flicker=name) for name in "abc"]
    result = steadied(noisy[0], noisy[1], noisy[2], FACE_328)
    assert change(result, still) < 0.75 * change(noisy[1], still)
    moving = [face(opening) for opening in (0.0, 0.08, 0.16)]
    result = steadied(moving[0], moving[1], moving[2], FACE_328)
    assert change(result, moving[1]) < 0.1 * change(moving[0], moving[1])


def test_what_is_still_and_the_rim_stay_to_the_bit() -> None:
    still = face()
    np.testing.assert_array_equal(steadied(still, still, still, FACE_328), still)
    noisy = [face(flicker=name) for name in "abc"]
    result = steadied(noisy[0], noisy[1], noisy[2], FACE_328)
    rim = np.ones((160, 160), bool)
    rim[2:-2, 2:-2] = False
    np.testing.assert_array_equal(result[rim], noisy[1][rim])


def test_boxes_of_other_sizes_lie_over_each_other() -> None:
    still = face()
    larger = np.asarray(np.kron(still, np.ones((2, 2, 1), np.uint8)))
    assert change(steadied(larger, still, still, FACE_328), still) < 1


def test_symmetric_so_that_nothing_is_late() -> None:
    a, b, c = (face(0.05 * i, flicker=name) for i, name in enumerate("abc"))
    np.testing.assert_array_equal(steadied(a, b, c, FACE_328), steadied(c, b, a, FACE_328))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 6])
def test_every_frame_comes_once_and_in_order(count: int) -> None:
    frames = [rendered(face(flicker=str(i))) for i in range(count)]
    steadier = Steadier(FACE_328)
    steadied_frames: list[RenderedFrame] = []
    for number, frame in enumerate(frames):
        steadied_frames += steadier.push(frame)
        assert len(steadied_frames) == number  # one waits
    steadied_frames += steadier.flush()
    assert [steadied_frame.frame for steadied_frame in steadied_frames] == [frame.frame for frame in frames]
    for i, steadied_frame in enumerate(steadied_frames):
        expected = frames[i].patch
        if 0 < i < count - 1:
            expected = steadied(frames[i - 1].patch, expected, frames[i + 1].patch, FACE_328)
        np.testing.assert_array_equal(steadied_frame.patch, expected)


def test_kept_pixels_stay_and_both_sides_of_a_dissolve_are_steadied() -> None:
    keep = np.zeros((160, 160), bool)
    keep[80:90, 60:100] = True
    a, b, c = (rendered(face(flicker=name), keep) for name in "abc")
    steadier = Steadier(FACE_328)
    last = [*steadier.push(a), *steadier.push(b.dissolving(c, 0.4)), *steadier.push(c)][-1]
    np.testing.assert_array_equal(last.patch[keep], b.patch[keep])
    assert last.into is not None
    assert last.share == 0.4
    expected = steadied(a.patch, c.patch, c.patch, FACE_328)
    expected[keep] = c.patch[keep]
    np.testing.assert_array_equal(last.into.patch, expected)
