"""Speech as a generator hears it, clean and in noise and rooms, with the truth of the mouth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch
from scipy.signal import fftconvolve
from torch import Tensor

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.spec import SAMPLE_RATE, AudioSpec
from studio.presenter.phones import SILENCE
from studio.presenter.speech import AUDIO
from studio.presenter.visemes import ARTICULATORS

NAMES = [*ARTICULATORS, "seal", "opening"]
WIDEST = 0.02  # m, an opening that counts as 1
REACH = 5  # frames on both sides whose articulators tell what is expected of an audio model
PACES = (0.9, 1.12)  # of speech in noise, faster and higher or slower and lower: throats of other sizes
PART = 2.0  # s of audio that one kind of noise lasts


@dataclass(frozen=True)
class EncodedSpeech:
    """Speech as the network hears it, with the truth.

    Attributes:
        values: (N, F) float32, features.
        truth: (N, len(NAMES)) float32.
        phones: (N,) str.
        spec: the type of the features.
        other: the same speech without noise, with features of the type that a teacher knows.
        foreign: whether it is in a language of which the teacher has learned no images.
    """

    values: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    phones: npt.NDArray[Any]
    spec: AudioSpec
    other: "EncodedSpeech | None" = None
    foreign: bool = False

    @classmethod
    def read(
        cls,
        folder: Path,
        encoder: AudioProgram,
        seed: int | None = None,
        pace: float = 1.0,
        other: AudioProgram | None = None,
    ) -> "EncodedSpeech":
        """What the command `speech` wrote; with a seed, its audio in noise and rooms. pace: 1.1 is a tenth faster."""
        audio, _ = soundfile.read(folder / AUDIO, dtype="float32")
        without = cls.read(folder, other, None, pace) if other else None
        truth, phones = truth_of(folder), np.load(folder / "truth.npz")["phones"]
        if seed is not None:
            audio = disturbed(audio, np.random.default_rng(seed))
        values = features(soxr.resample(audio, SAMPLE_RATE, SAMPLE_RATE / pace) if pace != 1 else audio, encoder)
        at = np.minimum(((np.arange(len(values)) + 0.5) * pace).astype(int), len(phones) - 1)
        return cls(values, truth[at], phones[at], encoder.spec, without)

    @classmethod
    def noise(
        cls, seconds: float, rest: npt.NDArray[Any], encoder: AudioProgram, seed: int, other: AudioProgram | None = None
    ) -> "EncodedSpeech":
        """Noise that nobody speaks in; the mouth is at `rest`. The same without noise is silence."""
        random = np.random.default_rng(seed)
        count = round(seconds / PART)
        audio = np.concatenate([coloured(round(PART * SAMPLE_RATE), random) * level
                                for level in 10 ** random.uniform(-4, -1, count)])  # fmt: skip
        values = features(audio.astype(np.float32), encoder)
        truth, phones = np.tile(rest, (len(values), 1)), np.full(len(values), SILENCE)
        silence = cls(features(np.zeros(len(audio), np.float32), other), truth, phones, other.spec) if other else None
        return cls(values, truth, phones, encoder.spec, silence)

    def windows(self, indices: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(b, 16, F)"""
        return np.stack([feature_window(self.values, int(index), self.spec) for index in indices])

    def moves(self, indices: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(b, (2 * REACH + 1) * len(NAMES)), the truth of the frames around."""
        around = np.clip(indices[:, None] + np.arange(-REACH, REACH + 1), 0, len(self.truth) - 1)
        return self.truth[around].reshape(len(indices), -1)

    @property
    def voiced(self) -> bool:
        """Whether anybody speaks in it."""
        return bool((self.phones != SILENCE).any())


def with_noise(
    folders: Sequence[Path],
    encoder: AudioProgram,
    other: AudioProgram | None = None,
    foreign: Sequence[Path] = (),
) -> list[EncodedSpeech]:
    """Speeches of the command `speech`, clean, and in noise at every pace of `PACES`; and noise alone."""
    everything = [*folders, *foreign]
    clean = [EncodedSpeech.read(folder, encoder, other=other) for folder in everything]
    noisy = [
        EncodedSpeech.read(folder, encoder, seed, pace, other)
        for seed, pace in enumerate(PACES, 1)
        for folder in everything
    ]
    of_languages = [replace(one, foreign=index % len(everything) >= len(folders))
                    for index, one in enumerate([*clean, *noisy])]  # fmt: skip
    rest = np.median(clean[0].truth[clean[0].phones == SILENCE], axis=0)
    seconds = 0.15 * sum(len(one.values) for one in clean) / encoder.spec.fps
    return [*of_languages, EncodedSpeech.noise(seconds, rest, encoder, 3, other)]


def truth_of(folder: Path) -> npt.NDArray[np.float32]:
    """(N, len(NAMES)) of what the command `speech` wrote."""
    with np.load(folder / "truth.npz") as truth:
        moves = [truth[f"articulator_{name}"] for name in NAMES[:-1]]
        return np.stack([*moves, np.maximum(truth["opening"], 0) / WIDEST], axis=1, dtype=np.float32)


def features(audio: npt.NDArray[Any], encoder: AudioProgram) -> npt.NDArray[Any]:
    """(N, F) float32 of 16 kHz samples."""
    return extract_features([audio], encoder).values


def coloured(samples: int, random: np.random.Generator) -> npt.NDArray[Any]:
    """Noise of mean power 1 whose spectrum falls by 0 to 9 dB an octave."""
    spectrum = np.fft.rfft(random.normal(size=samples))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** random.uniform(0, 1.5)
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / noise.std())


def disturbed(audio: npt.NDArray[Any], random: np.random.Generator) -> npt.NDArray[Any]:
    """Every `PART` seconds another level, another room, another noise and sometimes a narrow band."""
    out = np.zeros_like(audio)
    length = round(PART * SAMPLE_RATE)
    for start in range(0, len(audio), length):
        part = audio[start : start + length].astype(np.float64)
        if random.random() < 0.5:  # a room: exponentially decaying noise after the direct sound
            decay = random.uniform(0.05, 0.4)
            tail = random.normal(size=round(decay * SAMPLE_RATE))
            tail *= np.exp(-6.9 * np.linspace(0, 1, len(tail)))
            tail *= random.uniform(0.2, 0.8) / np.sqrt(np.square(tail).sum())
            part = part + fftconvolve(part, tail)[: len(part)]
        if random.random() < 0.3:  # a telephone, or a muffled microphone
            spectrum = np.fft.rfft(part)
            hertz = np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE)
            low, high = random.uniform(0, 300), random.uniform(3000, 8000)
            part = np.fft.irfft(spectrum * ((hertz >= low) & (hertz <= high)), len(part))
        loud = np.sqrt(np.square(part).mean()) + 1e-6
        part += coloured(len(part), random) * loud * 10 ** (-random.uniform(8, 40) / 20)
        out[start : start + length] = part * 10 ** (random.uniform(-12, 6) / 20)
    return np.asarray(np.clip(out, -1, 1).astype(np.float32))


def shaped(windows: npt.NDArray[Any], spec: AudioSpec) -> Tensor:
    """(b, 16, F) -> (b, *window_shape)"""
    return torch.from_numpy(np.ascontiguousarray(windows).reshape(len(windows), *spec.window_shape))
