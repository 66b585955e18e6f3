"""Teach the streaming encoder the features of the type `whisper`, and what mouths do.

python -m studio.streaming_encoder_learning SPEECH... -o encoder.safetensors --steps 4000

SPEECH: files that `studio.streaming_encoder_data` wrote. The encoder gets the speech in noise, rooms and narrow bands,
loud and quiet, from longer and shorter throats. Each of its features is to be that of the type `whisper`, of the clean
speech, at the frame before, for which more has been heard. Besides, a linear layer predicts from it the articulators of
the frames around, and a small network from a window the articulators of its frame; these are not kept.
"""

import argparse
import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn

from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.spec import STREAMING, WINDOW
from studio.presenter.encoded_speech import NAMES
from studio.streaming_encoder import COLUMNS, DELAY, LARGEST, SIZE, StreamingEncoder
from studio.streaming_encoder_augmentation import disturbed
from studio.streaming_encoder_data import Speech

ROWS = 48  # features in a row that are learned from at once
MARGIN = WINDOW // 2  # frames at both ends that are only looked back and ahead at
PAST, FUTURE = 4, 3  # frames around a feature whose articulators are predicted
IMPORTANCE = {"bite": 2.0, "seal": 2.0}  # of articulators; of the others 1
CHANCE_OF_SILENCE = 0.1
NOISE = 0.1  # added to features
WARM = 100  # steps in which the rate rises
WEIGHTS = {"features": 2.0, "articulators": 0.5, "window": 0.5}

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Batch:
    """Parts of speech: powers (b, 80, c), disturbed; number of the first feature (b,); whether nobody speaks (b,)."""

    powers: Tensor
    place: Tensor
    silent: Tensor


class Pool:
    """All of the speech, and what is to be learned from it."""

    def __init__(self, speech: Speech, seed: int = 0) -> None:
        device = torch.get_default_device()
        truth = torch.from_numpy(speech.truth).to(device)
        self.powers = torch.from_numpy(speech.powers).to(device)
        self.known = ~truth[:, 0].isnan()
        self.truth = truth.nan_to_num()
        self.taught = torch.from_numpy(speech.taught).to(device)
        self.generator = Generator(device).manual_seed(seed)
        self.rest = torch.tensor([float(name == "seal") for name in NAMES])
        importance = torch.tensor([IMPORTANCE.get(name, 1.0) for name in NAMES])
        self.weights = importance / (self.truth[self.known].var(0) + 1e-3)  # of squared errors of articulators
        self.variance = self.taught[:, :SIZE].var(0).mean()

    def batch(self, size: int, rows: int) -> Batch:
        """`size` parts of `rows` features each."""
        place = self.integers(MARGIN, len(self.truth) - rows - MARGIN, size)
        columns = (4 * place + 1)[:, None] + torch.arange(COLUMNS + 4 * (rows - 1))
        silent = torch.rand(size, generator=self.generator) < CHANCE_OF_SILENCE
        powers = 10 ** self.powers[columns].float().transpose(1, 2)
        return Batch(disturbed(powers, silent, self.generator), place, silent)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Random integers from `low` to `high` - 1."""
        return torch.randint(low, high, shape, generator=self.generator)

    def around(self, values: Tensor, batch: Batch, rows: int, past: int, future: int) -> Tensor:
        """(b, rows, past + 1 + future, ...) of values (N, ...): those of the frames around each feature."""
        return values[batch.place[:, None, None] + torch.arange(rows)[:, None] + torch.arange(-past, future + 1)]

    def truths(self, batch: Batch, rows: int, past: int, future: int) -> tuple[Tensor, Tensor]:
        """The frames' articulators (b, rows, frames, NAMES), and whether they are known, (b, rows, frames)."""
        truth, known = (self.around(values, batch, rows, past, future) for values in (self.truth, self.known))
        silent = batch.silent[:, None, None]
        return torch.where(silent[..., None], self.rest, truth), known | silent

    def error(self, values: Tensor, truth: Tensor, known: Tensor) -> Tensor:
        """The mean square error of articulators (..., NAMES) where they are known, as a share of their variance."""
        errors = ((values - truth).square() * self.weights).mean(-1) * known
        return errors.sum() / known.sum().clamp_min(1)


class Student(nn.Module):
    """The encoder and what learns from its features."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = StreamingEncoder()
        self.articulators = nn.Linear(SIZE, len(NAMES) * (PAST + 1 + FUTURE))
        self.window = nn.Sequential(nn.Linear(SIZE * WINDOW, 192), nn.GELU(), nn.Linear(192, len(NAMES)))


def losses(student: Student, pool: Pool, size: int) -> dict[str, Tensor]:
    """The parts of the loss on a new batch; the first three are shares of a variance that is not explained."""
    batch = pool.batch(size, ROWS)
    values = student.encoder.values(batch.powers).transpose(1, 2)
    noisy = (values + NOISE * torch.randn_like(values)).clamp(-LARGEST, LARGEST)

    truth, known = pool.truths(batch, ROWS, PAST, FUTURE)
    around = student.articulators(noisy).view_as(truth)

    windows = noisy.unfold(1, WINDOW, 1).transpose(2, 3).flatten(2)[:, ::2]  # (b, w, 16 * SIZE)
    found = student.window(windows)
    frames = torch.arange(WINDOW - 1 - STREAMING.ahead, ROWS - STREAMING.ahead, 2)  # of the windows, from the first row
    of_window, of_known = truth[:, frames, PAST], known[:, frames, PAST]

    return {
        "features": error_of_features(pool, batch, values),
        "articulators": pool.error(around, truth, known),
        "window": pool.error(found, of_window, of_known),
    }


def error_of_features(pool: Pool, batch: Batch, values: Tensor) -> Tensor:
    """The mean square error of features (b, rows, SIZE) where somebody speaks, as a share of their variance."""
    rows = values.shape[1]
    taught = pool.around(pool.taught[:, :SIZE], batch, rows, DELAY, -DELAY)[:, :, 0]
    errors = (values - taught).square().mean((1, 2)) * ~batch.silent
    return errors.sum() / (~batch.silent).sum().clamp_min(1) / pool.variance


def learn(pool: Pool, student: Student, steps: int, size: int, rate: float) -> Student:
    """The mean of what the student learns, in evaluation mode; see `descend`."""

    def loss(_step: int) -> tuple[Tensor, str]:
        parts = losses(student, pool, size)
        described = ", ".join(f"{name} {value.item():.3f}" for name, value in parts.items())
        return torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum(), described

    optimizer = torch.optim.AdamW(student.parameters(), rate, weight_decay=0.02)
    return descend(student.train(), optimizer, loss, steps, lowest=0.01).eval()


def descend(
    network: Network,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[int], tuple[Tensor, str]],
    steps: int,
    *,
    lowest: float,
) -> Network:
    """Learn while rates rise for `WARM` steps and fall along a cosine; the mean of the weights is returned.

    loss: of a step, and a description of it. lowest: the last rate, as a share of the highest.
    """
    mean = copy.deepcopy(network).requires_grad_(False)

    def share(step: int) -> float:
        falling = 0.5 + 0.5 * math.cos(math.pi * step / steps)
        return min(1.0, (step + 1) / WARM) * (lowest + (1 - lowest) * falling)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    for step in range(steps):
        value, described = loss(step)
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        follow(mean, network, min(0.998, step / (step + 10)))
        if step % 100 == 99:
            print(f"step {step + 1}/{steps}: {described}", flush=True)
    return mean


def follow(mean: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the running mean of a network's weights."""
    with torch.no_grad():
        for kept, current in zip(mean.parameters(), network.parameters(), strict=True):
            kept.lerp_(current, 1 - decay)
        for before, now in zip(mean.buffers(), network.buffers(), strict=True):
            before.copy_(now)


def main() -> None:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--size", type=int, default=24, help="parts of speech in a batch")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate")
    parser.add_argument("--start", type=Path, help="weights of an encoder to go on from")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda, on which this program has not run yet")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_default_device(arguments.device)
    student = Student()
    if arguments.start:
        student.encoder.load_state_dict(load_file(arguments.start))
    speech = Speech.joined([Speech.read(path) for path in arguments.speech])
    learned = learn(Pool(speech), student, arguments.steps, arguments.size, arguments.rate)
    with complete_file(arguments.output) as temporary:
        save_file(learned.encoder.cpu().state_dict(), temporary)


if __name__ == "__main__":
    main()
