"""Compute the losses of a training, weighted by the recipe."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from frame_generation_pipeline.train.perceptual import PerceptualLoss
from frame_generation_pipeline.train.recipe import Recipe


def around_lips(faces: Tensor, mouth: npt.NDArray[np.int64], side: int) -> Tensor:
    """Cut the squares around the lips (b, 3, side, side) out of faces (b, 3, h, w). mouth: (b, 2) left and top."""
    squares = [
        face[:, top : top + side, left : left + side] for face, (left, top) in zip(faces, mouth.tolist(), strict=True)
    ]
    return torch.stack(squares)


def temporal_loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference between the changes of output and target, (b, ...), within each pair of frames."""
    change = output[1::2] - output[::2] - (target[1::2] - target[::2])
    return change.abs().mean()


class GeneratorLoss(nn.Module):
    """Computes every loss to which the recipe gives a weight.

    perceptual: (output, target), images (b, 3, h, w) -> scalar. sync: (faces, windows) -> scalar. Each is needed only
    if the recipe gives it a weight.
    """

    def __init__(self, recipe: Recipe, perceptual: nn.Module | None = None, sync: nn.Module | None = None) -> None:
        super().__init__()
        self.recipe, self.perceptual, self.sync = recipe, perceptual, sync
        self.autocast: AbstractContextManager[object] = nullcontext()  # the precision of the perceptual network

    @classmethod
    def of(cls, recipe: Recipe, vgg: str | Path | None = None, sync: nn.Module | None = None) -> "GeneratorLoss":
        """Build the losses of a recipe with the networks that they need. vgg: see `PerceptualLoss`."""
        perceptual = PerceptualLoss(vgg, original=recipe.face_perceptual) if recipe.perceptual else None
        return cls(recipe, perceptual, sync)

    def forward(
        self,
        output: Tensor,
        target: Tensor,
        audio: Tensor,
        mouth: npt.NDArray[np.int64],
        side: int,
        *,
        perceptual: bool = True,
    ) -> dict[str, Tensor]:
        """Compute each loss by its name, and their weighted sum as `total`.

        output, target: (b, 3, h, w) in [0, 1]. audio: (b, *window_shape). mouth, side: see `around_lips`.
        perceptual: whether the perceptual loss, where the recipe has one, is among them.
        """
        recipe = self.recipe
        losses = {"l1": (output - target).abs().mean()}
        lips, true_lips = around_lips(output, mouth, side), around_lips(target, mouth, side)
        if recipe.mouth:
            losses["mouth"] = (lips - true_lips).abs().mean()
        if self.perceptual is not None and perceptual:
            pair = (output, target) if recipe.face_perceptual else (lips, true_lips)
            with self.autocast:
                losses["perceptual"] = self.perceptual(*pair)
        if recipe.temporal:
            losses["temporal"] = temporal_loss(lips, true_lips)
        if self.sync is not None:
            losses["sync"] = self.sync(output, audio)
        return losses | {
            "total": sum((getattr(recipe, name) * loss for name, loss in losses.items()), output.new_zeros(()))
        }
