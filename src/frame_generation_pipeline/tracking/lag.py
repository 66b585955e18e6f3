"""Measure the lag between two pairs of lips that say the same, by their openings over time.

Curves are (n,) float64 with one value for each frame, NaN if it is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]

MOST_SHIFT = 15  # frames; largest lag that is searched: 0.6 s
FEWEST_PAIRS = 20  # pairs of frames that a correlation needs
FAR, FARTHEST, FAR_STEP = 25, 750, 3  # frames: shifts at which two curves are unrelated
FEWEST_FAR = 40  # number of such shifts that the confidence needs
BLOCK = 2.0  # seconds of a bootstrap's block, longer than the autocorrelation of openings
DRAWS = 400
SLOW = 1.0  # seconds; slower changes are not speech


@dataclass(frozen=True)
class Lag:
    """The delay of one curve against another, and how reliable it is."""

    milliseconds: float  # positive: the first curve comes late
    low: float  # 95 % interval in milliseconds, from blocks of the recording drawn at random (bootstrap)
    high: float
    correlation: float  # Pearson's at that lag
    confidence: float  # standard deviations by which it exceeds the correlations at far shifts


def correlations(output: Curve, truth: Curve, shifts: Sequence[int]) -> Curve:
    """Pearson's correlation of `output[i + shift]` with `truth[i]` for each shift.

    NaN with fewer than `FEWEST_PAIRS` known pairs; 0 if one of the curves is constant.
    """
    return _pearson(_sums(output, truth, shifts, len(truth)).sum(axis=1))


def top(values: Curve) -> float:
    """The position of the highest value, interpolated by a parabola through it and its neighbours."""
    peak = int(np.argmax(values))
    if not 0 < peak < len(values) - 1:
        return float(peak)
    left, middle, right = values[peak - 1 : peak + 2]
    bend = left - 2 * middle + right
    return float(peak + ((left - right) / (2 * bend) if bend < 0 else 0.0))


def without_slow_part(curve: Curve, fps: float) -> Curve:
    """The curve (n,) minus its mean over `SLOW` seconds around each frame, weighted by a Hann window.

    The rest of an opening is speech, because a smile or laughter changes more slowly.
    """
    half = round(SLOW * fps / 2)
    window = np.hanning(2 * half + 3)[1:-1]
    known = np.isfinite(curve)
    total, weight = (
        np.convolve(values, window)[half : half + len(curve)]
        for values in (np.where(known, curve, 0.0), known.astype(float))
    )
    return np.where(known, curve - total / np.maximum(weight, window.min()), np.nan)


def measure_lag(output: Curve, truth: Curve, fps: float, seed: int = 0) -> Lag | None:
    """Measure the delay of `output` against `truth`, both (n,), up to `MOST_SHIFT` frames.

    None if too few frames are known (about 7 s are needed), or if the correlation still rises at the largest shift.
    seed: of the bootstrap.
    """
    shifts = range(-MOST_SHIFT, MOST_SHIFT + 1)
    distances = range(FAR, min(FARTHEST, len(truth) // 2), FAR_STEP)
    if 2 * len(distances) < FEWEST_FAR:
        return None
    chance = correlations(output, truth, [*distances, *(-distance for distance in distances)])
    chance = chance[np.isfinite(chance)]
    sums = _sums(output, truth, shifts, round(BLOCK * fps))
    values = _pearson(sums.sum(axis=1))
    if len(chance) < FEWEST_FAR or not np.isfinite(values).all() or np.argmax(values) in (0, len(values) - 1):
        return None
    blocks = sums.shape[1]
    counts = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), DRAWS)
    drawn = _pearson(np.einsum("db,sbk->dsk", counts, sums))
    places = [top(row) for row in np.nan_to_num(drawn)]
    lag, low, high = (1000 / fps * (place - MOST_SHIFT) for place in (top(values), *np.percentile(places, (2.5, 97.5))))
    confidence = (values.max() - chance.mean()) / max(chance.std(), 1e-9)
    return Lag(float(lag), float(low), float(high), float(values.max()), float(confidence))


def _sums(output: Curve, truth: Curve, shifts: Sequence[int], block: int) -> npt.NDArray[np.float64]:
    """(shifts, blocks, 6): over each `block` frames of `truth` the sums of 1, a, b, a^2, b^2 and a b of known pairs."""
    count = len(truth)
    blocks = -(-count // block)
    means = [curve[np.isfinite(curve)].mean() if np.isfinite(curve).any() else 0.0 for curve in (output, truth)]
    output, truth = output - means[0], truth - means[1]
    sums = np.empty((len(shifts), blocks, 6))
    for row, shift in enumerate(shifts):
        first, stop = max(-shift, 0), count - max(shift, 0)
        products = np.zeros((6, blocks * block))
        if first < stop:
            a, b = output[first + shift : stop + shift], truth[first:stop]
            known = np.isfinite(a) & np.isfinite(b)
            a, b = np.where(known, a, 0), np.where(known, b, 0)
            products[:, first:stop] = known, a, b, a * a, b * b, a * b
        sums[row] = products.reshape(6, blocks, block).sum(axis=2).T
    return sums


def _pearson(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(..., 6) of `_sums` -> (...)"""
    pairs, a, b, aa, bb, ab = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.maximum(aa - a * a / pairs, 0) * np.maximum(bb - b * b / pairs, 0))
        correlation = np.where(spread > 1e-12, (ab - a * b / pairs) / np.maximum(spread, 1e-12), 0.0)
    return np.where(pairs < FEWEST_PAIRS, np.nan, correlation)
