"""SyncNet: a network that learns on the template whether a face fits the audio, and then judges the generator.

J. S. Chung and A. Zisserman, "Out of Time: Automated Lip Sync in the Wild", ACCV workshops 2016; in the form of
SyncTalk_2D's 160 programs, for one frame and a window of features. Faces of 320 pixels are halved first.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frame_generation_pipeline.spec import FACE_160, AudioSpec
from frame_generation_pipeline.train.dataset import TrainingSet
from frame_generation_pipeline.train.resuming import load_optimizer

WIDTHS = (32, 64, 128, 256, 512)  # channels of the face encoder's levels
LEARNING_RATE = 1e-4  # a tenth of the generator's; with more, it collapses to a constant
BATCH = 8  # frames in a step, each with its own audio and with another frame's


class Block(nn.Module):
    """A convolution with batch norm and ReLU; a residual block keeps the size of its input."""

    def __init__(
        self, channels_in: int, channels_out: int, size: int, stride: Any, padding: int, residual: bool = False
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, size, stride, padding), nn.BatchNorm2d(channels_out)
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h / stride, w / stride)."""
        y = self.conv_block(x)
        return torch.relu(y + x if self.residual else y)


class SyncNetwork(nn.Module):
    """Embeds faces and windows, so that those that belong together are close. widths: of the face encoder's levels."""

    def __init__(self, audio: AudioSpec, widths: tuple[int, int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.face_encoder = nn.Sequential(
            Block(3, a, 7, 1, 3),
            *_level(a, b, 2, size=5, stride=2),
            *_level(b, c, 3, stride=2),
            *_level(c, d, 2, stride=2),
            *_level(d, e, 2, stride=2),
            Block(e, e, 3, 2, 1),
            Block(e, e, 3, 1, 0),
            Block(e, e, 1, 1, 0),
        )
        channels, height, width = audio.window_shape
        halved = (2 if height == 32 else 1, 2 if width == 32 else 1)
        self.audio_encoder = nn.Sequential(
            *_level(channels, d, 2, stride=1),
            *_level(d, d, 2, stride=halved),
            *_level(d, d, 2, stride=2, padding=2),
            *_level(d, e, 2, stride=2),
            Block(e, e, 3, 1, 0),
            Block(e, e, 1, 1, 0),
        )

    def forward(self, faces: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Faces (n, 3, s, s) BGR in [0, 1], windows (n, *window_shape) -> embeddings (n, k) of length 1 of each."""
        if faces.shape[-1] != FACE_160.size:
            faces = F.interpolate(faces, size=(FACE_160.size, FACE_160.size), mode="area")
        return _unit(self.face_encoder(faces)), _unit(self.audio_encoder(windows))


class SyncLoss(nn.Module):
    """A loss for the generator: low if a trained network finds that faces and windows belong together."""

    def __init__(self, network: SyncNetwork) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> "SyncLoss":
        """Do nothing, because the network is not trained here."""
        return super().train(False)

    def forward(self, faces: Tensor, windows: Tensor) -> Tensor:
        """See `SyncNetwork.forward`; a scalar."""
        embeddings, audio_embeddings = self.network(faces, windows)
        return agreement_loss(embeddings, audio_embeddings, torch.ones(len(faces), device=faces.device))


def agreement_loss(faces: Tensor, windows: Tensor, together: Tensor) -> Tensor:
    """Binary cross entropy of the cosine of embeddings (n, k), at least 0, with `together` (n,), 0 or 1."""
    return F.binary_cross_entropy(F.cosine_similarity(faces, windows).clamp(0, 1), together)


class SyncTrainer:
    """Trains a SyncNet on a generator's training frames; step i depends on `seed` and i alone."""

    def __init__(self, network: SyncNetwork, data: TrainingSet, *, device: str, seed: int) -> None:
        self.network, self.data, self.seed = network.to(device).train(), data, seed
        self.device, self.steps = device, 0
        self.optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)

    def step(self) -> float:
        """Do a step with one batch, half of it with audio of other frames; returns the loss."""
        rng = np.random.default_rng([self.seed, 1, self.steps])  # independent of the generator's
        frames, others = rng.choice(self.data.train, BATCH), rng.choice(self.data.train, BATCH)
        faces = self.data.samples(frames, frames).target.repeat(2, 1, 1, 1).to(self.device)
        windows = self.data.windows(np.concatenate([frames, others])).to(self.device)
        together = torch.from_numpy(np.concatenate([np.ones(BATCH), frames == others]).astype(np.float32))
        embeddings, audio_embeddings = self.network(faces, windows)
        loss = agreement_loss(embeddings, audio_embeddings, together.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.steps += 1
        return loss.item()

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from the state of `state_dict`; raises as `Trainer.load_state_dict` does."""
        self.network.load_state_dict(state["network"])
        load_optimizer(self.optimizer, state["optimizer"])
        self.steps = int(state["steps"])


def _unit(embeddings: Tensor) -> Tensor:
    """(n, k, 1, 1) -> (n, k), each of length 1."""
    return F.normalize(embeddings.flatten(1), dim=1)


def _level(
    channels_in: int, channels_out: int, residuals: int, *, stride: Any, size: int = 3, padding: int = 1
) -> list[Block]:
    """A block that changes channels and size, then residual ones."""
    first = Block(channels_in, channels_out, size, stride, padding)
    return [first, *(Block(channels_out, channels_out, 3, 1, 1, residual=True) for _ in range(residuals))]
