"""Compute figures of quality from images, points and curves over time; `definitions.py` explains each figure.

Images are (H, W, 3) uint8 BGR. Curves and points over time are NaN where there is no value: where no face was found
or where the recording was cut. NaN does not count.
"""

from collections.abc import Iterable
from math import isfinite

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.evaluate.definitions import Value
from frame_generation_pipeline.media.level import SILENCE
from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.tracking.lag import FEWEST_PAIRS, Curve, correlations, top

MOUTH_SHARE = 0.6  # side of the mouth's square, of `lips.mouth_box`
GRID = 4  # pixels of the network's output: the coarsest grid that a decoder can leave
MOST_LAG = 10  # frames
FEWEST_CHANGES = 5  # changes between silent frames, for a motion in silence
LEAST_MOTION = 0.005  # standard deviation of the lips' opening in face scales; lips that vary less do not move
LEAST_CORRELATION = 0.3  # at its highest; a lag with less means nothing
FEWEST_CLOSURES = 5  # of p, b and m
LEAST_GAP = 2.0  # percentile of the recording's gaps between the lips; they are together there
CLOSED = 0.01  # face scales above that gap, up to which the lips are together too

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom are exclusive


def mouth_square(mouth: Box, face: CropBox) -> Box:
    """The square in which mouths are compared: `lips.mouth_box` at 0.6 of its size, within the face's crop box."""
    half = MOUTH_SHARE * (mouth[2] - mouth[0]) / 2
    x, y = (mouth[0] + mouth[2]) / 2, (mouth[1] + mouth[3]) / 2
    left, right = (min(max(round(value), face.x), face.x + face.size) for value in (x - half, x + half))
    top, bottom = (min(max(round(value), face.y), face.y + face.size) for value in (y - half, y + half))
    return left, top, right, bottom


def cut(image: Frame, box: Box) -> Frame:
    """The pixels of the box, as a view."""
    return image[box[1] : box[3], box[0] : box[2]]


def squared_error(output: Frame, truth: Frame) -> float:
    """Mean squared error over pixels and colours, in levels squared; NaN for empty images."""
    return cv2.norm(output, truth, cv2.NORM_L2SQR) / output.size if output.size else float("nan")


def overall_psnr(errors: Iterable[float]) -> Value:
    """PSNR in dB of the mean of the frames' squared errors."""
    known = _known(errors)
    if not len(known):
        return Value.missing("no frame shows a face")
    value = psnr(float(known.mean()))
    return Value(value) if isfinite(value) else Value.missing("there is no difference at all")


def mean(values: Iterable[float], scale: float = 1.0) -> Value:
    """The mean, times `scale`."""
    known = _known(values)
    return Value(scale * float(known.mean())) if len(known) else Value.missing("no frame shows a face")


def sharpness(image: Frame, scale: float) -> float:
    """Variance of the Laplacian of the grey levels, without detail that is a grid; NaN for a very small image.

    image: a part of a frame. scale: its pixels for one pixel of the network's output. The image is resized to the
    network's pixels and averaged over `GRID` x `GRID` of them: that removes a grid of 2 or 4 pixels, which decoders
    with a pixel shuffle leave, and keeps lips and teeth.
    """
    if not image.size:
        return float("nan")
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    height, width = (max(round(length / scale), 1) for length in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC)
    averaged = cv2.boxFilter(small, cv2.CV_64F, (GRID, GRID), borderType=cv2.BORDER_REFLECT)
    inside = slice(GRID, -GRID)  # a grid does not continue in the reflected pixels
    return (
        float(cv2.Laplacian(averaged, cv2.CV_64F)[inside, inside].var())
        if min(height, width) > 2 * GRID
        else float("nan")
    )


def ratio(values: Iterable[float], base: Iterable[float], lacking: str) -> Value:
    """The mean of `values` divided by that of `base`; `lacking` is the reason if one of them is not known."""
    pairs = np.array(list(zip(values, base, strict=True)), np.float64).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if not len(pairs) or pairs[:, 1].sum() == 0:
        return Value.missing(lacking)
    return Value(float(pairs[:, 0].sum() / pairs[:, 1].sum()))


def edge_gradient(image: Frame, box: CropBox, inset: float = 0.0, reach: int = 1) -> float:
    """Mean absolute difference in levels across the edge of a square, over those of its sides inside the image.

    The edge is that of `box`, moved inwards by `inset` pixels. It compares two lines of pixels: the nearest at least
    `reach - 1` pixels outside the edge, and the nearest as far inside.
    """
    low, high = int(np.floor(inset)) - reach, int(np.ceil(inset)) + reach - 1
    lines = []
    height, width = image.shape[:2]
    for begin, limit, axis in ((box.y, height, 0), (box.x, width, 1)):
        across = (slice(max(box.x, 0), box.x + box.size), slice(max(box.y, 0), box.y + box.size))[axis]
        for outside, inside in (
            (begin + low, begin + high),
            (begin + box.size - 1 - low, begin + box.size - 1 - high),
        ):
            if 0 <= outside < limit and 0 <= inside < limit:
                pair = [np.take(image, index, axis=axis)[across].astype(np.int16) for index in (outside, inside)]
                lines.append(np.abs(pair[0] - pair[1]).mean())
    return float(np.mean(lines)) if lines else float("nan")


def second_difference(before: Frame, middle: Frame, after: Frame) -> float:
    """Mean absolute second difference in levels of three consecutive images."""
    images = [image.astype(np.int16) for image in (before, middle, after)]
    change = np.abs(images[0] - 2 * images[1] + images[2])
    return float(change.mean()) if change.size else float("nan")


def point_jitter(points: npt.NDArray[np.float64]) -> Curve:
    """Mean length (n,) of the second difference of points over time (n, k, 2); NaN at both ends and at gaps."""
    jitter = np.full(len(points), np.nan)
    if len(points) > 2:
        jitter[1:-1] = np.linalg.norm(np.diff(points, n=2, axis=0), axis=2).mean(axis=1)
    return jitter


def opening_correlation(output: Curve, truth: Curve) -> Value:
    """Pearson's correlation of two curves of the lips' opening, in face scales."""
    both = np.isfinite(output) & np.isfinite(truth)
    if both.sum() < FEWEST_PAIRS:
        return Value.missing(f"{both.sum()} frames show a face, {FEWEST_PAIRS} are needed")
    for name, curve in (("recording", truth), ("output", output)):
        if curve[both].std() < LEAST_MOTION:
            return Value.missing(f"the lips of the {name} hardly move")
    return Value(float(np.corrcoef(output[both], truth[both])[0, 1]))


def lag(output: Curve, truth: Curve, fps: float) -> Value:
    """The delay of `output` against `truth` in milliseconds, up to `MOST_LAG` frames.

    It has no value if the correlation has no clear peak inside that range.
    """
    plain = opening_correlation(output, truth)
    if plain.number is None:
        return plain
    values = correlations(output, truth, range(-MOST_LAG, MOST_LAG + 1))
    if not np.isfinite(values).all():
        return Value.missing(f"too few frames for shifts of {MOST_LAG}")
    peak = int(np.argmax(values))
    if values[peak] < LEAST_CORRELATION:
        return Value.missing(f"no shift fits: the highest correlation is {values[peak]:.2f}")
    if peak in (0, len(values) - 1):
        return Value.missing(f"the correlation is highest {MOST_LAG} frames away or further")
    return Value(1000 * (top(values) - MOST_LAG) / fps)


def silence_motion(opening: Curve, loudness: Curve) -> Value:
    """Mean absolute change of the lips' opening between neighbouring silent frames, in % of a face scale."""
    change = np.abs(np.diff(opening))
    silent = (loudness[1:] < SILENCE) & (loudness[:-1] < SILENCE)
    known = change[silent & np.isfinite(change)]
    if len(known) < FEWEST_CHANGES:
        return Value.missing(
            f"the held-out audio is silent in {len(known)} pairs of frames, {FEWEST_CHANGES} are needed"
        )
    return Value(100 * float(known.mean()))


def closed_below(truth: Curve) -> float:
    """The gap in face scales below which lips are together; above 0, because trackers see a gap in closed lips."""
    known = truth[np.isfinite(truth)]
    return float(np.percentile(known, LEAST_GAP)) + CLOSED if len(known) else CLOSED


def closure(opening: Curve, truth: Curve, spans: Iterable[tuple[int, int]], below: float) -> Value:
    """How often, in %, the lips meet where those of the recording meet. spans: (first frame, one after the last)."""
    meets = [(_meet(opening[a:b], below), _meet(truth[a:b], below)) for a, b in spans]
    known = [output for output, recording in meets if recording]
    if len(known) < FEWEST_CLOSURES:
        return Value.missing(
            f"the lips of the recording meet for {len(known)} of p, b and m, {FEWEST_CLOSURES} are needed"
        )
    return Value(100 * float(np.mean(known)))


def resting(opening: Curve, spans: Iterable[tuple[int, int]], below: float) -> Value:
    """The share in % of the frames of `spans` in which the lips are together."""
    frames = [opening[a:b] for a, b in spans]
    known = _known(np.concatenate(frames)) if frames else np.zeros(0)
    if len(known) < FEWEST_CHANGES:
        return Value.missing(f"{len(known)} frames lie within pauses, {FEWEST_CHANGES} are needed")
    return Value(100 * float((known < below).mean()))


def _meet(opening: Curve, below: float) -> bool:
    return bool((opening[np.isfinite(opening)] < below).any())


def _known(values: Iterable[float]) -> Curve:
    array = np.array(list(values), np.float64)
    return array[np.isfinite(array)]
