"""Compute the mel spectrogram of the `ave` encoder, 80 columns a second, and the places of the encoder's windows.

As in the original programs, it is computed in float64 with a filterbank of float32 precision, and rounded at the end.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.spec import AVE, SAMPLE_RATE

PRE_EMPHASIS = 0.97
FFT_SIZE = 800  # samples, 50 ms; also the length of the Hann window
HOP = 200  # samples from one column to the next
BANDS = 80
LOWEST, HIGHEST = 55.0, 7600.0  # Hz, the filterbank's ends
FREQUENCIES = FFT_SIZE // 2 + 1  # of the spectrum, 20 Hz apart
COLUMN_RATE = SAMPLE_RATE // HOP  # 80 columns a second
WINDOW_COLUMNS = 16  # columns that the encoder sees, 0.2 s
SHORTEST = (WINDOW_COLUMNS - 1) * HOP  # samples; shorter audio is padded with zeros to 16 columns


def mel_spectrogram(samples: Samples) -> npt.NDArray[np.float32]:
    """Compute the mel spectrogram `(80, L // 200 + 1)` float32 in [-4, 4] of samples `(L,)` at 16 kHz, L >= 1.

    Column c is centred on sample 200 c; its 800 samples are zero beyond the (pre-emphasised) audio. Memory grows with
    L: use it for short audio and for comparisons, and `stream.py` for long audio.
    """
    return mel_columns(np.pad(pre_emphasis(samples), FFT_SIZE // 2))


def pre_emphasis(samples: Samples, previous: float = 0.0) -> npt.NDArray[np.float64]:
    """`y[n] = x[n] - 0.97 x[n-1]` of samples `(L,)`, as float64; `previous` is the sample before the first."""
    x = np.concatenate([[previous], samples], dtype=np.float64)
    emphasised: npt.NDArray[np.float64] = x[1:] - PRE_EMPHASIS * x[:-1]
    return emphasised


def mel_columns(emphasised: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The columns completely inside pre-emphasised samples `(L,)`, L >= 800: `(80, (L - 800) // 200 + 1)` float32."""
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, FFT_SIZE)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)  # periodic
    magnitude = np.abs(np.fft.rfft(frames * hann, axis=1))
    # Not `@`: on matrices this small BLAS gains nothing, and its waiting threads halve the speed of the encoder's.
    bands = np.einsum("bf,cf->bc", filterbank(), magnitude)
    decibels = 20 * np.log10(np.maximum(1e-5, bands)) - 20
    mel: npt.NDArray[np.float32] = np.clip(8 * (decibels + 100) / 100 - 4, -4, 4).astype(np.float32)
    return mel


def window_start(index: int) -> int:
    """The first column of window `index`. A window that would reach beyond the audio ends at its last column."""
    return COLUMN_RATE * index // AVE.fps


def window_count(columns: int) -> int:
    """The number of windows of audio with `columns` columns, at least 16."""
    # Kept in the original's floating point, which at some lengths (368 columns and 16, say) rounds to one window less.
    return int((columns - WINDOW_COLUMNS) / 80.0 * 25.0) + 2


@cache
def filterbank() -> npt.NDArray[np.float64]:
    """Triangles of equal area between neighbours on the Slaney mel scale: `(80, 401)` float64, of float32 precision.

    Malcolm Slaney, Auditory Toolbox version 2, Technical Report 1998-010, Interval Research Corporation.
    """
    ends = _hertz(np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2))
    low, centre, high = (ends[i : i + BANDS, None] for i in range(3))
    bins = np.linspace(0, SAMPLE_RATE / 2, FREQUENCIES)
    triangles = np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    # Rounded twice, so that the spectrogram equals the original's to the bit.
    weights = (triangles.astype(np.float32) * (2 / (high - low))).astype(np.float32)
    return weights.astype(np.float64)


# Slaney's scale is linear up to 1 kHz, at 3 mel for 200 Hz, and logarithmic above, at 27 mel for a factor of 6.4.
_LOG_FROM = 1000.0  # Hz, which is 15 mel
_LOG_STEP = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    return float(3 * hertz / 200 if hertz < _LOG_FROM else 15 + np.log(hertz / _LOG_FROM) / _LOG_STEP)


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mel < 15, 200 * mel / 3, _LOG_FROM * np.exp(_LOG_STEP * (mel - 15)))
