"""Where sound that was recorded beside a camera begins on the camera's own sound.

Both are compared by how their levels rise and fall, which microphones and distances change little.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import SAMPLE_RATE

STEP = SAMPLE_RATE // 200  # samples that a level is told of; 5 ms
RANGE = 50.0  # dB below the loudest level; what is quieter is taken for that quiet
LEAST_OVERLAP = 1.0  # seconds that both must be heard at once
LEAST_CORRELATION = 0.5  # of the levels where both are heard, for the sounds to be of one recording

Levels = npt.NDArray[np.float64]  # (n,) dB


def sound_offset(guide: Path, sound: Path, track: int | None = None) -> float:
    """When `sound` begins, in seconds from the first sample of `guide`; negative where it begins earlier.

    track: of `sound`, see `decode_audio`.

    Raises what `decode_audio` raises, and AudioError where the two do not sound alike at any offset.
    """
    own, other = _levels(decode_audio(guide)), _levels(decode_audio(sound, track=track))
    shift = _best_shift(own, other)
    shown = (own[max(shift, 0) :], other[max(-shift, 0) :])
    length = min(map(len, shown))
    a, b = (levels[:length] for levels in shown)
    alike = length * STEP >= LEAST_OVERLAP * SAMPLE_RATE and a.std() > 0 and b.std() > 0
    if not alike or np.corrcoef(a, b)[0, 1] < LEAST_CORRELATION:
        raise AudioError(
            f"{sound}: does not sound like the sound of {guide}, so that its offset cannot be found; give the sound of"
            " this take, or let both begin together and remove the video's own sound (ffmpeg -i IN -an -c copy OUT)"
        )
    return shift * STEP / SAMPLE_RATE


def _levels(blocks: Iterable[npt.NDArray[np.float32]]) -> Levels:
    """The level in dB of each `STEP` samples, none more than `RANGE` below the loudest."""
    powers, rest = [], np.empty(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // STEP
        powers.append((rest[: whole * STEP].reshape(whole, STEP).astype(np.float64) ** 2).mean(axis=1))
        rest = rest[whole * STEP :]
    levels = 10 * np.log10(np.concatenate([*powers, np.zeros(1)]) + 1e-20)
    return np.asarray(np.maximum(levels, levels.max() - RANGE))


def _best_shift(own: Levels, other: Levels) -> int:
    """By how many steps `other` begins later than `own` where the two fit best."""
    length = len(own) + len(other)
    spectra = [np.fft.rfft(levels - levels.mean(), length) for levels in (own, other)]
    fits = np.fft.irfft(spectra[0] * spectra[1].conj(), length)
    shift = int(np.argmax(fits))
    return shift if shift < len(own) else shift - length
