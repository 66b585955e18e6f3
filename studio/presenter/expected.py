"""What an audio model says for mouths that move so, whoever speaks and in which language.

A generator that has seen images of English alone follows other languages less closely than it hears them, since its
audio model says there what it never said in English. What it should say follows from the truth: what it says in
English, on average, where the articulators of the frames around move alike.
"""

import torch
from torch import Tensor, nn

from studio.presenter.fit import fit

AXES, HIDDEN = 128, 384
STEPS, BATCH, RATE = 4000, 512, 1e-3


class Expected(nn.Module):
    """What `EncodedSpeech.moves` gives (b, k) -> an audio model's output on average (b, C, h, w)."""

    mean: Tensor
    axes: Tensor
    inputs: Tensor

    def __init__(self, moves: Tensor, outputs: Tensor, seed: int = 0) -> None:
        """Learn from frames: moves (n, k), outputs (n, C, h, w)."""
        super().__init__()
        torch.manual_seed(seed)
        flat = outputs.flatten(1)
        self.shape = outputs.shape[1:]
        self.register_buffer("mean", flat.mean(0))
        _, _, axes = torch.svd_lowrank(flat - self.mean, min(AXES, *flat.shape), niter=3)
        values = (flat - self.mean) @ axes
        scale = values[:, 0].std()
        self.register_buffer("axes", axes.T * scale)
        self.register_buffer("inputs", torch.stack([moves.mean(0), moves.std(0) + 1e-3]))
        self.network = nn.Sequential(
            nn.Linear(moves.shape[1], HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, len(self.axes)),
        )

        def loss() -> Tensor:
            some = torch.randint(len(moves), (BATCH,))
            return (self._along_axes(moves[some]) - values[some] / scale).square().sum(1).mean()

        fit(self.network, loss, STEPS, RATE, weight_decay=0.02)
        self.requires_grad_(False)

    def forward(self, moves: Tensor) -> Tensor:
        """See the class."""
        return (self._along_axes(moves) @ self.axes + self.mean).view(-1, *self.shape)

    def _along_axes(self, moves: Tensor) -> Tensor:
        values: Tensor = self.network((moves - self.inputs[0]) / self.inputs[1])
        return values
