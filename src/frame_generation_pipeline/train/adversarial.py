"""An adversarial loss: a network learns on the template to tell recorded mouths from painted ones.

A patch discriminator (P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017) with
the hinge loss (J. H. Lim and J. C. Ye, "Geometric GAN", 2017), spectral normalization (T. Miyato et al., 2018) and
feature matching (T.-C. Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs",
2018).
"""

from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from frame_generation_pipeline.train.resuming import load_optimizer

LAYERS = ((3, 32, 4, 2), (32, 64, 4, 2), (64, 128, 4, 2), (128, 128, 3, 1), (128, 1, 3, 1))  # in, out, kernel, stride
SLOPE = 0.2  # of the leaky ReLU
LEARNING_RATE, BETAS = 2e-4, (0.5, 0.999)  # Adam's
MATCHING = 1.0  # weight of feature matching, beside the hinge loss at 1


class Discriminator(nn.Module):
    """Judges patches of images (b, 3, h, w): features of its layers, the last of which are logits, above 0 for real."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(*shape, padding=1)) for shape in LAYERS)

    def forward(self, images: Tensor, autocast: AbstractContextManager[object]) -> list[Tensor]:
        """Images in [0, 1] -> float32 features of every layer. autocast: the precision of the convolutions."""
        x, features = 2 * images - 1, []
        for layer, (*_, stride) in zip(self.layers, LAYERS, strict=True):
            assert isinstance(layer, nn.Conv2d)
            weight = layer.weight  # is normalized in float32, outside of autocast
            with autocast:
                x = F.conv2d(x, weight, layer.bias, stride, padding=1)
            features.append(x.float())
            x = F.leaky_relu(x, SLOPE)
        return features


class Adversary:
    """Trains a discriminator beside a generator and gives the generator's loss."""

    def __init__(self, device: torch.device, autocast: AbstractContextManager[object], seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Discriminator()
        self.network = network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.autocast = autocast
        self.optimizer = torch.optim.Adam(self.network.parameters(), LEARNING_RATE, BETAS)

    def learn(self, output: Tensor, target: Tensor) -> Tensor:
        """Do a step on images (b, 3, h, w) of each kind, and return the hinge loss."""
        logits = self.network(torch.cat([output.detach(), target]), self.autocast)[-1]
        loss: Tensor = (F.relu(1 + logits[: len(output)]).mean() + F.relu(1 - logits[len(output) :]).mean()) / 2
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The generator's loss: how easily `output` is told from `target`, and how much their features differ.

        Both are (b, 3, h, w); only `output` gets gradients.
        """
        self.network.requires_grad_(False)
        *actual, logits = self.network(output, self.autocast)
        with torch.no_grad():
            *expected, _ = self.network(target, self.autocast)
        self.network.requires_grad_(True)
        apart = [(f - w).abs().mean() / w.abs().mean().clamp(min=1e-6) for f, w in zip(actual, expected, strict=True)]
        loss: Tensor = MATCHING * torch.stack(apart).mean() - logits.mean()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from the state of `state_dict`; raises as `Trainer.load_state_dict` does."""
        self.network.load_state_dict(state["network"])
        load_optimizer(self.optimizer, state["optimizer"])
