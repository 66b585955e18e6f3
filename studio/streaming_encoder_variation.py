"""The same speech slower and faster, higher and lower, from shorter and longer throats, as far as people differ.

What is taught of it is computed anew, so that more may change than in `streaming_encoder_augmentation`. It needs an
FFmpeg with Rubber Band, as Debian's is.
"""

import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from frame_generation_pipeline.spec import SAMPLE_RATE
from studio.presenter.timing import SAMPLES

PART = 20  # s that one variation lasts
PACES = (0.8, 1.25)  # by which everything is faster and higher
STRETCHED, TEMPOS, PITCHES = 0.8, (0.78, 1.28), (0.7, 1.42)  # chance that tempo and pitch change by themselves; by what
SAME_THROAT = 0.7  # chance that the formants stay where they are then
GAIN = 4.0  # dB, up or down


def varied(
    samples: npt.NDArray[np.float32], truth: npt.NDArray[np.float32], random: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield parts of speech at 16 kHz and of the truth (frames, n), varied, each a whole number of frames long."""

    def factor(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    frames = PART * SAMPLE_RATE // SAMPLES
    for first in range(0, len(truth), frames):
        part = samples[first * SAMPLES : (first + frames) * SAMPLES]
        part = soxr.resample(part, SAMPLE_RATE, SAMPLE_RATE / factor(*PACES))
        if random.random() < STRETCHED:
            part = stretched(part, factor(*TEMPOS), factor(*PITCHES), same_throat=random.random() < SAME_THROAT)
        count = len(part) // SAMPLES
        part = part[: count * SAMPLES] * 10 ** (random.uniform(-GAIN, GAIN) / 20)
        known = truth[first : first + frames]
        yield part.astype(np.float32), known[((np.arange(count) + 0.5) * len(known) / max(count, 1)).astype(int)]


def stretched(samples: npt.NDArray[Any], tempo: float, pitch: float, *, same_throat: bool) -> npt.NDArray[Any]:
    """Speech at 16 kHz, `tempo` times as fast and `pitch` times as high."""
    formants = "preserved" if same_throat else "shifted"
    sound = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1"]
    effect = f"rubberband=tempo={tempo:.4f}:pitch={pitch:.4f}:formant={formants}"
    command = ["ffmpeg", "-v", "error", *sound, "-i", "pipe:", "-af", effect, *sound, "pipe:"]
    done = subprocess.run(command, input=samples.astype("<f4").tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<f4")
