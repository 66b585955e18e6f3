"""Train a network step by step, with its optimiser and the running mean of its weights."""

from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.train.adversarial import Adversary
from frame_generation_pipeline.train.dataset import Batch, SampleSource, mouth_side
from frame_generation_pipeline.train.losses import GeneratorLoss, around_lips
from frame_generation_pipeline.train.recipe import Recipe
from frame_generation_pipeline.train.resuming import load_optimizer

WARM_UP = 50  # steps in which the learning rate rises, if it decays
ADVERSARIAL_FROM = 0.7  # share of the training after which an adversarial loss takes the place of the perceptual one
HIGHEST_NORM = 1.0  # longer gradients are shortened, so that an unusual batch does not ruin a training


class Trainer:
    """Trains `network` on `data`; step i depends on `seed`, i and the given progress alone."""

    def __init__(
        self,
        network: Network,
        data: SampleSource,
        recipe: Recipe,
        loss: GeneratorLoss,
        *,
        device: str,
        seed: int,
    ) -> None:
        self.data, self.recipe, self.seed, self.device = data, recipe, seed, torch.device(device)
        self.network = network.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.loss = loss.to(self.device)
        listening = self.network.audio_model
        if not recipe.audio_rate:
            listening.requires_grad_(False).eval()
        audio_parameters = list(listening.parameters()) if recipe.audio_rate else []
        image_parameters = [
            value for name, value in self.network.named_parameters() if not name.startswith("audio_model.")
        ]
        self.optimizer = torch.optim.Adam(
            [{"params": image_parameters, "share": 1.0}, {"params": audio_parameters, "share": recipe.audio_rate}],
            fused=self.device.type == "cuda",
        )
        self.mean = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.steps = 0
        self._autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=mixed_precision(self.device))
        self.loss.autocast = self._autocast
        self.adversary = Adversary(self.device, self._autocast, seed) if recipe.adversarial else None

    def batch(self, step: int) -> Batch:
        """Draw the samples of step `step`."""
        return self.data.batch(self.recipe, np.random.default_rng([self.seed, step]))

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """Do a step with `batch`; returns the losses. progress: complete share of the training, in [0, 1)."""
        recipe = self.recipe
        rate = recipe.learning_rate
        if recipe.decay:
            rate *= min(1.0, (self.steps + 1) / WARM_UP) * (1 + cos(pi * progress)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        image, target, audio = (tensor.to(self.device) for tensor in (batch.image, batch.target, batch.audio))
        mouth, side = batch.mouth, mouth_side(self.data.face)
        if progress < recipe.coarse:
            image, target = F.avg_pool2d(image, 2), F.avg_pool2d(target, 2)
            mouth, side = mouth // 2, side // 2
        with self._autocast:
            output = faces(self.network, image, audio).float()
        adversary = self.adversary if progress >= ADVERSARIAL_FROM else None
        losses = self.loss(output, target, audio, mouth, side, perceptual=adversary is None)
        (gradient,) = torch.autograd.grad(losses["total"], output)
        if adversary:
            lips, true_lips = around_lips(output, mouth, side), around_lips(target, mouth, side)
            judged = {"discriminator": adversary.learn(lips, true_lips)}
            judged["adversarial"] = adversary.loss(lips, true_lips)
            losses = judged | losses  # the total stays the last
            (push,) = torch.autograd.grad(judged["adversarial"], output)
            pull = around_lips(gradient, mouth, side).norm()
            gradient = gradient + push * (recipe.adversarial * pull / push.norm().clamp(min=1e-12))
        if batch.weights is not None:
            gradient = gradient * batch.weights.to(self.device).view(-1, 1, 1, 1)
        self.optimizer.zero_grad(set_to_none=True)
        output.backward(gradient)  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), HIGHEST_NORM)
        self.optimizer.step()
        self.steps += 1
        self._follow()
        return {name: loss.item() for name, loss in losses.items()}

    def _follow(self) -> None:
        """Update the running mean of the weights; over the first steps it is their plain mean."""
        share = 1 - min(self.recipe.average, self.steps / (self.steps + 10)) if self.recipe.average else 1.0
        weights = self.network.state_dict()
        smooth = [name for name, value in weights.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.mean[name] for name in smooth], [weights[name] for name in smooth], share)
        for name in weights.keys() - set(smooth):
            self.mean[name].copy_(weights[name])

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`; a resumed training has the same bits."""
        return {
            "network": self.network.state_dict(),
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
        } | ({"adversary": self.adversary.state_dict()} if self.adversary else {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from the state of `state_dict`.

        Raises KeyError, TypeError, AttributeError, ValueError or RuntimeError for any other state.
        """
        self.network.load_state_dict(state["network"])
        load_optimizer(self.optimizer, state["optimizer"])
        self.mean = {name: value.to(self.device) for name, value in state["mean"].items()}
        shapes = {name: value.shape for name, value in self.network.state_dict().items()}
        if {name: value.shape for name, value in self.mean.items()} != shapes:
            raise ValueError("the mean is not of the network's weights")
        if self.adversary:
            self.adversary.load_state_dict(state["adversary"])
        self.steps = int(state["steps"])


def mixed_precision(device: torch.device) -> bool:
    """Whether networks are faster in bfloat16: on CUDA, and on processors with such products, as Linux reports."""
    if device.type != "cpu":
        return device.type == "cuda"
    info = Path("/proc/cpuinfo")
    features = info.read_text() if info.exists() else ""
    return "avx512_bf16" in features or "amx_bf16" in features


def faces(network: Network, image: Tensor, audio: Tensor) -> Tensor:
    """Run the network at any size: image (b, 6, h, w), audio (b, *window_shape) -> (b, 3, h, w) in [0, 1].

    At the network's own size this is its forward pass; at other sizes, the audio's tensor is averaged to fit.
    """
    encoded = network.encode_image(image)
    height, width = encoded[-1].shape[-2:]
    encoded_audio = F.adaptive_avg_pool2d(network.audio_model(audio), (height, width))
    return network.decode(encoded, encoded_audio)
