"""Teach a generator's audio model to hear mouth shapes, before it learns any face.

The truth of an articulation needs no image: minutes of speech by many voices cost seconds, and what follows a voice
well is then learned from far more of them than frames are drawn for. Noise, rooms and narrow bands are put on it.

A generator that sees already can be taught other features: its new audio model also learns to say what the old one says
of the old features of the same speech without noise, so that what it paints stays as it is.
"""

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
from torch import Tensor, nn

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.networks import Network, build_network
from frame_generation_pipeline.spec import FACE_328, SAMPLE_RATE, WINDOW, AudioSpec, GeneratorSpec
from studio.presenter.phones import SILENCE
from studio.presenter.speech import AUDIO
from studio.presenter.visemes import ARTICULATORS

NAMES = [*ARTICULATORS, "seal", "opening"]
WIDEST = 0.02  # m, an opening that counts as 1
WEIGHTS = np.array([1.0 if name not in ("bite", "seal", "opening") else 2.0 for name in NAMES], np.float32)
BATCH, RATE, FURTHER_RATE = 64, 1e-3, 3e-4
HEAD_FIRST = 100  # steps in which the head learns alone, where the audio model has learned before
PACES = (0.9, 1.12)  # of speech in noise, faster and higher or slower and lower: throats of other sizes
SPEECHES = 16  # that a batch is drawn from
NOISE = 0.15  # of a feature's deviation, added to it
PART = 2.0  # s of audio that one kind of noise lasts
LIKENESS = 0.05  # weight of the difference from the old audio model, a share of the variance of what that says


@dataclass(frozen=True)
class EncodedSpeech:
    """Speech as the network hears it, with the truth.

    Attributes:
        values: (N, F) float32, features.
        truth: (N, len(NAMES)) float32.
        phones: (N,) str.
        spec: the type of the features.
        other: the same speech without noise, with features of another type.
    """

    values: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    phones: npt.NDArray[Any]
    spec: AudioSpec
    other: "EncodedSpeech | None" = None

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
        truth = np.load(folder / "truth.npz")
        columns = [truth[f"articulator_{name}"] for name in NAMES[:-1]] + [np.maximum(truth["opening"], 0) / WIDEST]
        if seed is not None:
            audio = disturbed(audio, np.random.default_rng(seed))
        values = features(soxr.resample(audio, SAMPLE_RATE, SAMPLE_RATE / pace) if pace != 1 else audio, encoder)
        at = np.minimum(((np.arange(len(values)) + 0.5) * pace).astype(int), len(truth["phones"]) - 1)
        return cls(values, np.stack(columns, axis=1).astype(np.float32)[at], truth["phones"][at], encoder.spec, without)

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


def with_noise(
    folders: Sequence[Path], encoder: AudioProgram, other: AudioProgram | None = None
) -> list[EncodedSpeech]:
    """Speeches of the command `speech`, clean, and in noise at every pace of `PACES`; and noise alone."""
    clean = [EncodedSpeech.read(folder, encoder, other=other) for folder in folders]
    noisy = [
        EncodedSpeech.read(folder, encoder, seed, pace, other)
        for seed, pace in enumerate(PACES, 1)
        for folder in folders
    ]
    rest = np.median(clean[0].truth[clean[0].phones == SILENCE], axis=0)
    seconds = 0.15 * sum(len(one.values) for one in clean) / encoder.spec.fps
    return [*clean, *noisy, EncodedSpeech.noise(seconds, rest, encoder, 3, other)]


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


class Listener(nn.Module):
    """A generator's audio model, and what its output says about the mouth."""

    def __init__(self, generator: Network) -> None:
        super().__init__()
        self.audio_model = generator.audio_model
        self.head = nn.Linear(generator.spec.widths[-1], len(NAMES))

    def forward(self, windows: Tensor) -> Tensor:
        """(b, *window_shape) -> (b, len(NAMES))"""
        return self.articulators(self.audio_model(windows))

    def articulators(self, output: Tensor) -> Tensor:
        """Output of the audio model (b, C, 10, 10) -> (b, len(NAMES))"""
        out: Tensor = self.head(output.mean(dim=(2, 3)))
        return out

    def predict(self, speech: EncodedSpeech) -> npt.NDArray[Any]:
        """(N, len(NAMES)) of a whole speech."""
        self.eval()
        with torch.inference_mode():
            parts = [self(shaped(speech.windows(np.arange(i, min(i + 256, len(speech.values)))), speech.spec))
                     for i in range(0, len(speech.values), 256)]  # fmt: skip
        return torch.cat(parts).numpy()


def shaped(windows: npt.NDArray[Any], spec: AudioSpec) -> Tensor:
    """(b, 16, F) -> (b, *window_shape)"""
    return torch.from_numpy(np.ascontiguousarray(windows).reshape(len(windows), *spec.window_shape))


def learn(
    speech: Sequence[EncodedSpeech],
    generator: Network,
    steps: int,
    seed: int = 0,
    old: Network | None = None,
    *,
    further: bool = False,
) -> Listener:
    """Adam with a rate along half a cosine; the running mean of the weights is what is kept.

    The generator's audio model becomes what is returned; the rest of it stays as it is. old: a generator for the
    features of each speech's `other`, whose audio model the new one is to be like. further: the audio model has learned
    before, and changes little: it waits for the head, its batch norms keep their statistics, and the rate is lower.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Listener(generator)
    mean = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    rate = FURTHER_RATE if further else RATE
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    spec = generator.spec.audio
    weights, deviation = torch.from_numpy(WEIGHTS), np.concatenate([h.values for h in speech]).std(axis=0)
    sizes = np.array([len(h.values) for h in speech], float)
    for step in range(steps):
        which = random.choice(len(speech), SPEECHES, p=sizes / sizes.sum())
        windows, truths, others = [], [], []
        for index in which:
            some = random.integers(0, len(speech[index].values), BATCH // SPEECHES)
            windows.append(speech[index].windows(some))
            truths.append(speech[index].truth[some])
            other = speech[index].other
            if other:
                others.append(shaped(other.windows(some), other.spec))
        batch = np.concatenate(windows)
        batch = batch + (random.normal(size=batch.shape) * NOISE * deviation).astype(np.float32)
        network.train(not further)
        output: Tensor = network.audio_model(shaped(batch, spec))
        known = output.detach() if further and step < HEAD_FIRST else output
        loss = (weights * (network.articulators(known) - torch.from_numpy(np.concatenate(truths))).square()).mean()
        if old:
            with torch.no_grad():
                said = old.audio_model(torch.cat(others))
            loss = loss + LIKENESS * difference(output, said)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        mean.update_parameters(network)
        if step % 250 == 249:
            print(f"step {step + 1}/{steps}, loss {loss.item():.4f}", flush=True)
    listener = mean.module
    assert isinstance(listener, Listener)
    generator.audio_model.load_state_dict(listener.audio_model.state_dict())
    return listener


def difference(output: Tensor, said: Tensor) -> Tensor:
    """Mean squared difference of audio models' outputs (b, C, h, w) and of their means over h and w, by variance."""
    means = said.mean((2, 3))
    whole = (output - said).square().mean() / said.var(0).mean()
    return whole + 0.5 * (output.mean((2, 3)) - means).square().mean() / means.var(0).mean()


def retyped(generator: Network, speech: Sequence[EncodedSpeech]) -> Network:
    """The same generator for the features of `speech` instead of those of each speech's `other`, to begin with.

    The channels of both types' windows are frames; what the first layer gets of a frame is estimated from the new
    windows' frames by least squares. Both features' values are alike, and the new ones as many or fewer.
    """
    new = speech[0].spec
    products, squares = np.zeros((WINDOW, WINDOW)), np.zeros((WINDOW, WINDOW))
    for one in speech:
        assert one.other is not None
        at = np.arange(0, len(one.values), 7)
        windows, others = one.windows(at), one.other.windows(at)[:, :, : new.feature_size]
        products += np.einsum("nof,ncf->oc", others, windows)
        squares += np.einsum("naf,ncf->ac", windows, windows)
    estimate = np.linalg.solve(squares, products.T).T
    network = build_network(replace(generator.spec, audio=new))
    tensors = dict(generator.state_dict())
    first = "audio_model.conv1.conv.0.weight"
    tensors[first] = torch.einsum("hoyx,oc->hcyx", tensors[first], torch.from_numpy(estimate).float())
    network.load_state_dict(network.state_dict() | tensors)
    return network


def report(network: Listener, speech: EncodedSpeech) -> dict[str, float]:
    """How well an unknown voice is understood."""
    predicted, truth = network.predict(speech), speech.truth
    figures = {name: float(np.corrcoef(predicted[:, i], truth[:, i])[0, 1]) for i, name in enumerate(NAMES)}
    seal = NAMES.index("seal")
    closed = np.isin(speech.phones, ["p", "b", "m"]) & (truth[:, seal] > 0.9)
    return figures | {"closed": float((predicted[closed, seal] > 0.5).mean())}


def new_generator(width: int, spec: AudioSpec, seed: int = 0) -> GeneratorNetwork:
    """One that has learned nothing."""
    torch.manual_seed(seed)
    return GeneratorNetwork(GeneratorSpec(FACE_328, spec, width))
