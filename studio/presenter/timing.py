"""Audio cut to whole frames of video, and how loud each frame is."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from studio.presenter.visemes import FPS
from studio.presenter.voices import Utterance

SAMPLES = 16_000 // FPS  # a frame
LEVEL = 0.08  # of full scale, root mean square of every voice


def on_frames(utterance: Utterance) -> tuple[npt.NDArray[Any], int]:
    """Audio at 16 kHz at a common level, a whole number of frames long, and that number."""
    audio = soxr.resample(utterance.audio, utterance.rate, 16000) if utterance.rate != 16000 else utterance.audio
    frames = int(np.ceil(len(audio) / 16000 * FPS))
    audio = np.pad(audio, (0, frames * SAMPLES - len(audio)))
    loud = np.sqrt(np.mean(audio[np.abs(audio) > 0.01] ** 2)) if (np.abs(audio) > 0.01).any() else 1.0
    return np.clip(audio * LEVEL / loud, -1, 1).astype(np.float32), frames


def loudness(audio: npt.NDArray[Any], frames: int) -> npt.NDArray[Any]:
    """(frames,) 0 to 1, slow: what the head nods to."""
    power = np.sqrt(np.mean(audio.reshape(frames, -1) ** 2, axis=1))
    slow = np.convolve(power, np.hanning(13) / np.hanning(13).sum(), mode="same")
    return np.clip(slow / (2.0 * LEVEL), 0, 1)


def write_audio(path: Path, audio: npt.NDArray[Any]) -> None:
    """16 kHz, 16 bit, one channel."""
    unfinished = path.with_suffix(".part.wav")
    soundfile.write(unfinished, audio, 16000, subtype="PCM_16")
    unfinished.replace(path)
