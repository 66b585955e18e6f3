"""Teach a generator's audio model to hear mouth shapes, before it learns any face.

The truth of an articulation needs no image: minutes of speech by many voices cost seconds, and what follows a voice
well is then learned from far more of them than frames are drawn for. Noise, rooms and narrow bands are put on it.

A generator that sees already can be taught other features or languages: a `teacher` has its new audio model say what
the old one says of the old features of the same speech without noise, so that what it paints stays as it is.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.networks import Network, build_network
from frame_generation_pipeline.spec import FACE_328, WINDOW, AudioSpec, GeneratorSpec
from studio.presenter.encoded_speech import NAMES, EncodedSpeech, shaped
from studio.presenter.teacher import Teacher

WEIGHTS = np.array([1.0 if name not in ("bite", "seal", "opening") else 2.0 for name in NAMES], np.float32)
BATCH, RATE = 64, 1e-3
HEAD_FIRST = 100  # steps in which the head learns alone, where the audio model has learned before
SPEECHES = 16  # that a batch is drawn from
NOISE = 0.15  # of a feature's deviation, added to it


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

    def predict(self, speech: EncodedSpeech) -> npt.NDArray[np.float32]:
        """(N, len(NAMES)) of a whole speech."""
        self.eval()
        with torch.inference_mode():
            parts = [self(shaped(speech.windows(np.arange(i, min(i + 256, len(speech.values)))), speech.spec))
                     for i in range(0, len(speech.values), 256)]  # fmt: skip
        return torch.cat(parts).numpy()


def learn(
    speech: Sequence[EncodedSpeech],
    generator: Network,
    steps: int,
    seed: int = 0,
    teacher: Teacher | None = None,
    *,
    further: bool = False,
) -> Listener:
    """Adam with a rate along half a cosine; the running mean of the weights is what is kept.

    The generator's audio model becomes what is returned; the rest of it stays as it is. teacher: knows the features of
    each speech's `other`. further: the audio model has learned before; it waits for the head, and its batch norms keep
    their statistics.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Listener(generator)
    mean = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    spec = generator.spec.audio
    weights, deviation = torch.from_numpy(WEIGHTS), np.concatenate([h.values for h in speech]).std(axis=0)
    sizes = np.array([len(h.values) for h in speech], float)
    for step in range(steps):
        which = random.choice(len(speech), SPEECHES, p=sizes / sizes.sum())
        windows, truths, others, moves, foreign = [], [], [], [], []
        for index in which:
            some = random.integers(0, len(speech[index].values), BATCH // SPEECHES)
            windows.append(speech[index].windows(some))
            truths.append(speech[index].truth[some])
            moves.append(torch.from_numpy(speech[index].moves(some)))
            foreign.append(torch.full((len(some),), speech[index].foreign))
            other = speech[index].other
            if other:
                others.append(shaped(other.windows(some), other.spec))
        batch = np.concatenate(windows)
        batch = batch + (random.normal(size=batch.shape) * NOISE * deviation).astype(np.float32)
        network.train(not further)
        output: Tensor = network.audio_model(shaped(batch, spec))
        known = output.detach() if further and step < HEAD_FIRST else output
        loss = (weights * (network.articulators(known) - torch.from_numpy(np.concatenate(truths))).square()).mean()
        if teacher:
            loss = loss + teacher.loss(output, torch.cat(others), torch.cat(moves), torch.cat(foreign))
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
