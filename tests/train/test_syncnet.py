"""The network that tells whether a face says what is heard."""

from pathlib import Path

import pytest
import torch

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.spec import AUDIO_SPECS, FACE_160, AudioSpec
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.dataset import TrainingSet
from frame_generation_pipeline.train.recipe import DEFAULT
from frame_generation_pipeline.train.syncnet import SyncLoss, SyncNetwork, SyncTrainer, agreement_loss
from train.training import NARROW


@pytest.mark.parametrize("audio", AUDIO_SPECS.values(), ids=AUDIO_SPECS)
@pytest.mark.parametrize("side", [160, 320])
def test_embeds_every_feature_type(audio: AudioSpec, side: int) -> None:
    torch.manual_seed(0)
    network = SyncNetwork(audio, NARROW).eval()
    faces, audio_embeddings = network(torch.rand(2, 3, side, side), torch.randn(2, *audio.window_shape))
    assert faces.shape == audio_embeddings.shape == (2, 9 * NARROW[-1])
    for embeddings in (faces, audio_embeddings):
        assert (embeddings >= 0).all()
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))


def test_agreement() -> None:
    here, there = torch.eye(2)
    assert agreement_loss(here[None], here[None], torch.ones(1)) == 0
    assert agreement_loss(here[None], there[None], torch.zeros(1)) == 0
    assert agreement_loss(here[None], there[None], torch.ones(1)) > 10


def test_learns_what_belongs_together(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = TrainingSet.build(template, features, FACE_160, range(30, 40), tmp_path / "faces.npy", recipe=DEFAULT)
    torch.manual_seed(0)
    trainer = SyncTrainer(SyncNetwork(features.spec, NARROW), data, device="cpu", seed=0)
    for group in trainer.optimizer.param_groups:
        group["lr"] = 3e-3
    losses = [trainer.step() for _ in range(30)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


@pytest.mark.parametrize("told_to_train", [False, True])
def test_loss_only_asks(told_to_train: bool) -> None:
    audio = AUDIO_SPECS["ave"]
    torch.manual_seed(0)
    loss = SyncLoss(SyncNetwork(audio, NARROW).train())
    if told_to_train:
        loss.train()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    faces = torch.rand(2, 3, 160, 160, requires_grad=True)
    loss(faces, torch.randn(2, *audio.window_shape)).backward()
    assert faces.grad is not None
    assert faces.grad.abs().max() > 0
    assert all(value.equal(before[name]) for name, value in loss.state_dict().items())
