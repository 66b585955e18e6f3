import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.evaluate import figures
from frame_generation_pipeline.evaluate.definitions import Value
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.tracking.lag import Curve

RNG = np.random.default_rng(0)
NAN = float("nan")


def speech(count: int, shift: float = 0.0) -> Curve:
    """A curve like the lips' opening that is `shift` frames late."""
    time = np.arange(count) - shift
    curve: Curve = 0.05 + 0.03 * np.sin(time / 2.1) + 0.02 * np.sin(time / 0.9 + 1)
    return curve


def test_psnr_and_its_absence() -> None:
    image = np.full((4, 5, 3), 100, np.uint8)
    assert figures.squared_error(image, image + 3) == 9
    assert np.isnan(figures.squared_error(image[:0], image[:0]))
    psnr = figures.overall_psnr([4, NAN, 16])
    assert psnr.number == pytest.approx(10 * np.log10(255**2 / 10))
    assert figures.overall_psnr([0, 0]) == Value(None, "there is no difference at all")
    assert figures.overall_psnr([NAN]).reason == "no frame shows a face"
    assert figures.mean([0.01, NAN, 0.03], 100).number == pytest.approx(2)
    assert figures.mean([]).number is None


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    assert figures.sharpness(np.full((20, 20, 3), 90, np.uint8), 1) == 0
    assert np.isnan(figures.sharpness(np.zeros((0, 20, 3), np.uint8), 1))
    # Rows of 0 and 200, eight each: averaged over 4 they have ramps of 50 a row, whose ends are 4 of each 16 rows.
    rows = np.repeat(np.tile(np.repeat([0, 200], 8), 5)[:, np.newaxis, np.newaxis], 60, axis=1).astype(np.uint8)
    assert figures.sharpness(np.repeat(rows, 3, axis=2), 1) == pytest.approx(50**2 * 4 / 16, rel=0.05)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6])
@pytest.mark.parametrize("period", [2, 4])
def test_a_grid_is_no_sharpness_and_blur_is_none_either(period: int, scale: float) -> None:
    detail = np.asarray(cv2.GaussianBlur(RNG.normal(0, 160, (160, 160)).astype(np.float32), (0, 0), 2.5), np.float32)
    place = np.arange(160) % period < period / 2
    grid = 12 * np.where(np.not_equal.outer(place, place), 1, -1)

    def shown(levels: npt.NDArray[np.floating]) -> Frame:
        side = round(160 * scale)
        image = cv2.resize(128 + levels.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        return np.repeat(image.round().clip(0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)

    plain = figures.sharpness(shown(detail), scale)
    assert figures.sharpness(shown(detail + grid), scale) == pytest.approx(plain, rel=0.05 if scale >= 1 else 0.12)
    assert figures.sharpness(shown(np.asarray(cv2.GaussianBlur(detail, (0, 0), 2), np.float32)), scale) < 0.6 * plain


def test_ratio() -> None:
    assert figures.ratio([1, 2, 50], [4, 2, NAN], "none").number == pytest.approx(0.5)
    assert figures.ratio([NAN, 1], [1, NAN], "none") == Value(None, "none")
    assert figures.ratio([1, 1], [0, 0], "flat").reason == "flat"


def test_mouth_square_stays_in_the_face() -> None:
    assert figures.mouth_square((100, 100, 200, 200), CropBox(50, 50, 200)) == (120, 120, 180, 180)
    assert figures.mouth_square((100, 100, 200, 200), CropBox(130, 50, 100)) == (130, 120, 180, 150)


@pytest.mark.parametrize(("inset", "reach"), [(0.0, 1), (2.5, 1), (2.5, 2)])
def test_edge_gradient_finds_a_step(inset: float, reach: int) -> None:
    """A square of another level, whose edge is blurred over less than the reach: the gradient is the step."""
    image, box = np.full((60, 70, 3), 50, np.uint8), CropBox(10, 20, 30)
    start, end = int(np.floor(inset)), int(np.ceil(inset))
    image[20 + start : 50 - start, 10 + start : 40 - start] = 60
    image[20 + end : 50 - end, 10 + end : 40 - end] = 90
    # Along its lines the square's own rim of a few pixels is left out of the step.
    expected = 40 * (30 - 2 * end) / 30 if end else 40
    assert figures.edge_gradient(image, box, inset, reach) == pytest.approx(expected, abs=3)
    assert figures.edge_gradient(np.full((60, 70, 3), 50, np.uint8), box, inset, reach) == 0


def test_edge_gradient_at_the_border_of_the_image() -> None:
    image = np.full((40, 40, 3), 10, np.uint8)
    image[5:, :] = 30  # a step of 20 at the upper edge; the other edges are those of the image
    assert figures.edge_gradient(image, CropBox(0, 5, 40)) == 20
    assert np.isnan(figures.edge_gradient(image, CropBox(0, 0, 40)))


def test_jitter() -> None:
    images = [np.full((3, 3, 3), level, np.uint8) for level in (10, 20, 36)]
    assert figures.second_difference(*images) == 6
    assert np.isnan(figures.second_difference(*(image[:0] for image in images)))
    points = np.zeros((6, 4, 2))
    points[:, :, 0] = np.arange(6)[:, None]  # steady motion
    points[3, :, 1] = 2  # and one jump, there and back
    jitter = figures.point_jitter(points)
    np.testing.assert_allclose(jitter, [NAN, 0, 2, 4, 2, NAN])
    points[3] = NAN
    np.testing.assert_array_equal(np.isfinite(figures.point_jitter(points)), [False, True, False, False, False, False])
    assert np.isnan(figures.point_jitter(points[:2])).all()


def test_opening_correlation() -> None:
    truth = speech(60)
    assert figures.opening_correlation(2 * truth + 1, truth).number == pytest.approx(1)
    assert figures.opening_correlation(-truth, truth).number == pytest.approx(-1)
    other = truth + RNG.normal(0, 0.02, 60)
    both = np.corrcoef(truth[5:], other[5:])[0, 1]
    other[:5] = NAN
    assert figures.opening_correlation(other, truth).number == pytest.approx(both)
    other[:45] = NAN
    assert "15 frames show a face" in str(figures.opening_correlation(other, truth).reason)
    assert figures.opening_correlation(truth, np.full(60, 0.1)).reason == "the lips of the recording hardly move"
    assert figures.opening_correlation(np.full(60, 0.1), truth).reason == "the lips of the output hardly move"


@pytest.mark.parametrize("shift", [-4.0, -1.5, -0.3, 0.0, 0.25, 2.0, 7.6])
def test_lag_is_found_between_frames(shift: float) -> None:
    lag = figures.lag(speech(120, shift), speech(120), 25)
    assert lag.number == pytest.approx(40 * shift, abs=4)
    assert figures.lag(speech(120, shift), speech(120), 20).number == pytest.approx(50 * shift, abs=5)


def test_lag_that_nobody_can_tell() -> None:
    noise, truth = RNG.normal(0, 0.03, 400), speech(400)
    assert "no shift fits" in str(figures.lag(noise, truth, 25).reason)
    assert "too few frames" in str(figures.lag(speech(25), speech(25), 25).reason)
    assert "hardly move" in str(figures.lag(np.zeros(60), speech(60), 25).reason)
    ramp = np.concatenate([np.linspace(0, 1, 15), np.zeros(45)])
    assert "10 frames away" in str(figures.lag(np.roll(ramp, 15), ramp, 25).reason)


def test_a_cut_is_no_neighbourhood() -> None:
    """Two parts with a gap between them give the same lag, and nothing is compared across it."""
    gap = np.full(2 * figures.MOST_LAG + 1, NAN)
    parts = [slice(0, 60), slice(200, 260)]
    output, truth = (np.concatenate([curve[parts[0]], gap, curve[parts[1]]]) for curve in (speech(300, 2), speech(300)))
    assert figures.lag(output, truth, 25).number == pytest.approx(80, abs=4)


def test_silence() -> None:
    loudness = np.array([-20, -60, -60, -60, -60, -60, -60, -20.0, -60])
    opening = np.array([0.5, 0.1, 0.11, 0.11, 0.12, 0.12, 0.13, 0.9, 0.1])
    assert figures.silence_motion(opening, loudness).number == pytest.approx(100 * 0.03 / 5)
    assert "silent in 4 pairs" in str(figures.silence_motion(np.where(opening == 0.13, NAN, opening), loudness).reason)


def test_lips_that_meet() -> None:
    closed, open_, unknown = 0.02, 0.04, NAN
    below = figures.closed_below(np.array([closed, NAN, *[open_] * 20]))
    assert closed < below < open_
    truth = np.array([open_, closed, open_, open_] * 6)
    output = np.array([open_, open_, closed, unknown] * 6)
    spans = [(i, i + 3) for i in range(0, 24, 4)]
    assert figures.closure(output, truth, spans, below).number == 100
    assert figures.closure(output, truth, [(a, a + 2) for a, _ in spans], below).number == 0
    output[2] = open_
    assert figures.closure(output, truth, spans, below).number == pytest.approx(100 * 5 / 6)
    assert "meet for 4 of p, b and m" in str(figures.closure(output, truth, spans[:4], below).reason)
    assert figures.resting(output, [(2, 3), (6, 7), (10, 12), (14, 16), (18, 19)], below).number == pytest.approx(80)
    assert "0 frames lie within pauses" in str(figures.resting(output, [], below).reason)
