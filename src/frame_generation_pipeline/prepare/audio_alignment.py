"""Align separately recorded audio with a camera's own audio: find its offset and the difference of the two clocks.

It compares how the levels of both rise and fall, which depends little on microphones and distances, in windows all over
the recording, because two clocks that differ by 50 millionths are a tenth of a second apart after half an hour.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import SAMPLE_RATE

logger = logging.getLogger(__name__)

STEP = SAMPLE_RATE // 200  # samples over which a level is measured; 5 ms
STEPS = SAMPLE_RATE // STEP  # a second
RANGE = 50.0  # dB below the loudest level; quieter levels are raised to it
LEAST_OVERLAP = 2.0, 10.0  # seconds in which both must overlap: at least; and what is always enough
LEAST_SHARE = 0.5  # of the shorter one, which is enough too: in less, other audio correlates by chance
LEAST_CORRELATION = 0.5  # of the levels where both overlap, for both to be of one recording
# In short overlaps more is demanded: other speech, where it fits best, has up to 1.4 / sqrt(seconds) by chance; the
# same speech through another microphone has from 0.67 on in two seconds, 0.8 in most of three, and from 0.76 on in six.
BY_CHANCE, MOST_DEMANDED = 1.4, 0.75

WINDOW = 4.0, 20.0  # seconds; the shortest and longest window that is searched by itself
WINDOWS = 200  # at most, spread over the recording
SLACK = 0.5  # seconds by which a window may be displaced in addition to the drift
MOST_DRIFT = 0.002  # largest relative difference of the clocks; 24 and 23.976 frames a second differ by 0.001
LEAST_DRIFT = 0.02  # seconds over the recording, from which a drift is corrected: half a frame
SURE = 4.0  # a drift must be so many times its standard error
FEWEST = 10  # windows that a drift must be measured from
ALIKE = 0.6  # share of the windows that must be found, for both to be of one recording
AGREEING = 0.015  # seconds by which a window may be off the line

Levels = npt.NDArray[np.float64]  # (n,) dB


@dataclass(frozen=True)
class Alignment:
    """The position of separate audio on the clock of the video's audio."""

    offset: float = 0.0  # seconds from the first sample of the video's audio to its first sample; negative: earlier
    stretch: float = 1.0  # seconds of the video's clock in one second of its own

    @property
    def drift(self) -> int:
        """The relative speed of its clock, minus 1, in ppm."""
        return round((1 / self.stretch - 1) * 1e6)

    def apply(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Resample blocks (k,) float32 at 16 kHz to the video's clock; the offset is not applied."""
        if self.stretch == 1:
            yield from blocks
            return
        resampler = soxr.ResampleStream(SAMPLE_RATE, SAMPLE_RATE * self.stretch, 1, dtype="float32", quality="HQ")
        for block in blocks:
            if len(stretched := resampler.resample_chunk(block)):
                yield stretched
        if len(rest := resampler.resample_chunk(np.empty(0, np.float32), last=True)):
            yield rest


AS_IT_IS = Alignment()


def align_audio(guide: Path, audio: Path, track: int | None = None) -> Alignment:
    """How `audio` lies on the audio of `guide`; a warning in the log tells of clocks that differ by half a frame.

    Where the drift is uneven or too few parts tell of it, it is not corrected, which the warning says.
    track: of `audio`, see `decode_audio`.

    Raises what `decode_audio` raises, and AudioError where the two do not sound alike at any offset.
    """
    own, other = _levels(decode_audio(guide)), _levels(decode_audio(audio, track=track))
    coarse = _best_shift(own, other)
    overlap = min(len(own), coarse + len(other)) - max(coarse, 0)
    if overlap >= _least_overlap(own, other):
        centres, shifts, tried = _window_shifts(own, other, coarse)
        found, uneven = _fit(centres, shifts, coarse)
        alike = tried >= FEWEST and len(centres) >= ALIKE * tried
        least = min(max(LEAST_CORRELATION, BY_CHANCE / np.sqrt(overlap / STEPS)), MOST_DEMANDED)
        if alike or _correlation(own, other, found) >= least:
            _tell(found, uneven, overlap / STEPS, audio)
            return found
    raise AudioError(
        f"{audio}: does not sound like the audio of {guide}, so that its offset cannot be found; give the audio of"
        " this take, or let both begin together and remove the video's own audio (ffmpeg -i IN -an -c copy OUT)"
    )


def _tell(found: Alignment, uneven: float, seconds: float, audio: Path) -> None:
    if found.stretch != 1:
        logger.warning(
            "%s: its clock and the video's differ by %d ppm, %.2f s over %.0f s, which is corrected",
            audio,
            found.drift,
            abs(1 - found.stretch) * seconds,
            seconds,
        )
    elif uneven:
        logger.warning(
            "%s: seems to move by %.2f s against the video's own audio over %.0f s, too unevenly to be corrected;"
            " compare audio and lips at both ends",
            audio,
            uneven,
            seconds,
        )


def _levels(blocks: Iterable[Samples]) -> Levels:
    """The level in dB of each `STEP` samples, at most `RANGE` below the loudest."""
    powers, rest = [], np.empty(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // STEP
        powers.append((rest[: whole * STEP].reshape(whole, STEP).astype(np.float64) ** 2).mean(axis=1))
        rest = rest[whole * STEP :]
    levels = 10 * np.log10(np.concatenate(powers if sum(map(len, powers)) else [np.zeros(1)]) + 1e-20)
    return np.asarray(np.maximum(levels, levels.max() - RANGE))


def _best_shift(own: Levels, other: Levels) -> int:
    """By how many steps `other` begins later than `own` where the two fit best, of all shifts with enough overlap.

    A fit is the correlation where both overlap, times the root of its length: short overlaps correlate by chance.
    """
    count, length = len(own) + len(other) - 1, len(own) + len(other)
    shifts = np.arange(count) - (len(other) - 1)
    begins, ends = np.maximum(shifts, 0), np.minimum(shifts + len(other), len(own))  # of the overlap, in `own`
    overlaps = ends - begins

    def moments(levels: Levels, first: npt.NDArray[np.int64]) -> tuple[Levels, Levels]:
        sums, squares = (np.concatenate([[0.0], np.cumsum(levels**power)]) for power in (1, 2))
        mean = (sums[first + overlaps] - sums[first]) / overlaps
        return mean, (squares[first + overlaps] - squares[first]) / overlaps - mean**2

    own, other = own - own.mean(), other - other.mean()  # small numbers, whose squares lose little
    (own_mean, own_variance), (other_mean, other_variance) = moments(own, begins), moments(other, begins - shifts)
    products = np.fft.irfft(np.fft.rfft(own, length) * np.fft.rfft(other, length).conj(), length)[shifts]
    deviations = np.sqrt(np.maximum(own_variance * other_variance, 1e-9))
    fits = (products / overlaps - own_mean * other_mean) / deviations * np.sqrt(overlaps)
    fits[overlaps < _least_overlap(own, other)] = -np.inf
    return int(shifts[np.argmax(fits)])


def _least_overlap(own: Levels, other: Levels) -> float:
    """How many steps both must overlap."""
    return max(LEAST_OVERLAP[0] * STEPS, min(LEAST_OVERLAP[1] * STEPS, LEAST_SHARE * min(len(own), len(other))))


def _window_shifts(own: Levels, other: Levels, coarse: int) -> tuple[Levels, Levels, int]:
    """The middles of windows of `other` that are found in `own`, and by how many steps each is later there; also how
    many windows were looked for.
    """
    first, last = max(-coarse, 0), min(len(other), len(own) - coarse)
    size = round(min(max((last - first) / 8, WINDOW[0] * STEPS), WINDOW[1] * STEPS, last - first))
    reach = round(SLACK * STEPS + MOST_DRIFT * max(len(own), len(other)))
    centres, shifts = [], []
    count = min(WINDOWS, 2 * (last - first) // size)
    for begin in np.linspace(first, last - size, count).astype(int).tolist():
        place = begin + coarse - reach
        around = own[max(place, 0) : begin + coarse + size + reach]
        fits = _correlations(around, other[begin : begin + size])
        if len(fits) and fits.max() >= LEAST_CORRELATION:
            best = int(fits.argmax())
            centres.append(begin + size / 2)
            shifts.append(best + _peak(fits, best) + max(place, 0) - begin)
    return np.array(centres), np.array(shifts), count


def _correlations(around: Levels, window: Levels) -> Levels:
    """The correlation of the window with every part of `around` of its length; 0 if one of them is constant."""
    size, count = len(window), len(around) - len(window) + 1
    if count < 1 or window.std() == 0:
        return np.empty(0)
    length = len(around) + size
    plain = window - window.mean()
    products = np.fft.irfft(np.fft.rfft(around, length) * np.fft.rfft(plain, length).conj(), length)[:count]
    sums, squares = (np.concatenate([[0.0], np.cumsum(around**power)]) for power in (1, 2))
    total, square = (values[size:] - values[:-size] for values in (sums, squares))
    deviations = np.sqrt(np.maximum(square - total**2 / size, 1e-9))
    return np.asarray(products / (deviations * np.sqrt(plain @ plain)))


def _peak(values: Levels, index: int) -> float:
    """Where, from `index` on, the parabola through the highest value and its neighbours has its top."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, top, after = values[index - 1 : index + 2].tolist()
    bend = before - 2 * top + after
    return 0.0 if bend == 0 else (before - after) / (2 * bend)


def _fit(centres: Levels, shifts: Levels, coarse: int) -> tuple[Alignment, float]:
    """The line through most windows; beside it the drift over the recording in seconds that it is not sure of, or 0.

    Its slope is the median of those between windows that are far apart (H. Theil, 1950; P. K. Sen, 1968).
    """
    if not len(centres):
        return Alignment(coarse / STEPS), 0.0
    plain = Alignment(float(np.median(shifts)) / STEPS)
    low, high = np.percentile(shifts, (10, 90))
    drift = float(high - low) / 0.8 / STEPS
    if len(centres) < FEWEST or drift <= LEAST_DRIFT:
        return plain, 0.0
    half = len(centres) // 2
    slope = float(np.median((shifts[half:] - shifts[: len(shifts) - half]) / (centres[half:] - centres[:-half])))
    residuals = shifts - slope * centres
    start = float(np.median(residuals))
    agreeing = np.abs(residuals - start) <= AGREEING * STEPS
    error = float(residuals[agreeing].std() / (centres[agreeing].std() * np.sqrt(agreeing.sum())))
    if agreeing.mean() < 0.5 or abs(slope) > MOST_DRIFT or abs(slope) < SURE * error:
        return plain, drift
    return Alignment(start / STEPS, 1 + slope), 0.0


def _correlation(own: Levels, other: Levels, found: Alignment) -> float:
    """The correlation of both levels where the two overlap in time; 0 where that is too short or one is even."""
    places = found.offset * STEPS + np.arange(len(other)) * found.stretch
    overlap = (places >= 0) & (places <= len(own) - 1)
    a, b = np.interp(places[overlap], np.arange(len(own)), own), other[overlap]
    if len(b) < LEAST_OVERLAP[0] * STEPS or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
