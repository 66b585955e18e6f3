"""Every loss by what it must give."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.train.losses import GeneratorLoss, around_lips, temporal_loss
from frame_generation_pipeline.train.perceptual import PerceptualLoss
from frame_generation_pipeline.train.recipe import DEFAULT, ORIGINAL

OFF = replace(DEFAULT, l1=0.0, mouth=0.0, perceptual=0.0, temporal=0.0, sync=0.0)
MOUTH = np.array([[2, 4], [0, 0]])


def images(seed: int, size: int = 32) -> torch.Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_around_lips() -> None:
    faces = images(0)
    assert around_lips(faces, MOUTH, 8)[0].equal(faces[0, :, 4:12, 2:10])


def test_weights_add_up() -> None:
    output, target = images(0), images(1)
    losses = GeneratorLoss(replace(OFF, l1=1.0, mouth=2.0))(output, target, torch.empty(0), MOUTH, 8)
    assert losses["l1"] == (output - target).abs().mean()
    inside = around_lips(output, MOUTH, 8) - around_lips(target, MOUTH, 8)
    assert losses["mouth"] == inside.abs().mean()
    assert torch.isclose(losses["total"], losses["l1"] + 2 * losses["mouth"])


def test_a_loss_without_weight_is_not_computed() -> None:
    assert set(GeneratorLoss(OFF)(images(0), images(1), torch.empty(0), MOUTH, 8)) == {"l1", "total"}


def test_temporal_loss_sees_changes_alone() -> None:
    target = images(0)
    assert temporal_loss(target + 0.3, target) < 1e-6
    flicker = target.clone()
    flicker[1] += 0.3
    assert torch.isclose(temporal_loss(flicker, target), torch.tensor(0.3))


def test_sync_loss_gets_faces_and_windows() -> None:
    class Sync(torch.nn.Module):
        def forward(self, faces: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
            return faces.mean() * windows.sum()

    losses = GeneratorLoss(replace(OFF, sync=10.0), sync=Sync())(images(0), images(1), torch.ones(2), MOUTH, 8)
    assert torch.isclose(losses["total"], 20 * images(0).mean())


@pytest.mark.parametrize("original", [False, True])
def test_perceptual_loss(original: bool) -> None:
    loss = PerceptualLoss(original=original)
    target = images(0)
    assert loss(target, target) == 0
    output = target.clone().requires_grad_()
    blurred = torch.nn.functional.avg_pool2d(output, 3, 1, 1)
    value = loss(blurred, target)
    value.backward()
    assert value > 0
    assert output.grad is not None
    assert output.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_perceptual_loss_minds_blur_more_than_light() -> None:
    loss, target = PerceptualLoss(), images(0)
    blurred = torch.nn.functional.avg_pool2d(target, 3, 1, 1)
    lighter = target + 0.02
    assert loss(blurred, target) > 3 * loss(lighter, target)


def test_perceptual_loss_with_torchvision_weights(tmp_path: Path) -> None:
    tensors = {name: value.clone() for name, value in PerceptualLoss().features.state_dict().items()}
    path = tmp_path / "vgg19.safetensors"
    write_tensors(path, {f"features.{name}": value for name, value in tensors.items()})
    assert PerceptualLoss(path, original=True)(images(0), images(1)) > 0
    write_tensors(path, {"features.0.weight": torch.zeros(64, 3, 3, 3)})
    with pytest.raises(ModelError, match=r"features\.0\.bias"):
        PerceptualLoss(path)


def test_recipes() -> None:
    assert ORIGINAL.perceptual == 0.01
    assert ORIGINAL.changed({"l1": 3.0, "sync": None}) == replace(ORIGINAL, l1=3.0)
    with pytest.raises(ValueError, match="even"):
        replace(DEFAULT, temporal=1.0, batch=3)
    with pytest.raises(ValueError, match="from 0 to 1"):
        replace(DEFAULT, opening=1.5)
