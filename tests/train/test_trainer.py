"""One step after the other, to the same bits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.spec import FACE_160
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.dataset import TrainingSet, mouth_side
from frame_generation_pipeline.train.losses import GeneratorLoss
from frame_generation_pipeline.train.memory import keep_freed_memory
from frame_generation_pipeline.train.recipe import DEFAULT, Recipe
from frame_generation_pipeline.train.trainer import ADVERSARIAL_FROM, Trainer, faces
from samples import TINY, seeded_network

QUICK = replace(DEFAULT, batch=2, perceptual=0.0, temporal=0.0)


@pytest.fixture(scope="module")
def data(template: Template, features: AudioFeatures, tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    store = tmp_path_factory.mktemp("store") / "faces.npy"
    return TrainingSet.build(template, features, FACE_160, range(30, 40), store, recipe=DEFAULT)


def trainer(data: TrainingSet, recipe: Recipe = QUICK) -> Trainer:
    return Trainer(seeded_network(TINY), data, recipe, GeneratorLoss.of(recipe), device="cpu", seed=3)


def run(trained: Trainer, steps: int, total: int = 6) -> dict[str, torch.Tensor]:
    for step in range(trained.steps, trained.steps + steps):
        trained.step(trained.batch(step), step / total)
    return trained.mean


@pytest.mark.parametrize("recipe", [QUICK, replace(QUICK, adversarial=0.5, opening=0.7)])
def test_resumed_to_the_same_bits(data: TrainingSet, recipe: Recipe, tmp_path: Path) -> None:
    expected = run(trainer(data, recipe), 6)
    first = trainer(data, recipe)
    run(first, 3)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = trainer(data, recipe)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    resumed = run(second, 3)
    assert second.steps == 6
    assert all(resumed[name].equal(value) for name, value in expected.items())


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_audio_model_learns_by_its_own_rate(data: TrainingSet, share: float) -> None:
    before = seeded_network(TINY).state_dict()
    after = run(trainer(data, replace(QUICK, audio_rate=share, average=0.0)), 3)

    def change(name: str) -> float:
        return float((after[name] - before[name]).abs().max())

    audio_change = max(change(name) for name in before if name.startswith("audio_model.conv"))
    seen = min(change(name) for name in before if name.startswith("outc."))
    assert seen > 1e-5
    assert (audio_change == 0.0) == (share == 0.0)


def test_overfits_one_frame(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    recipe = replace(QUICK, coarse=0.0, jitter=0.0, decay=False, learning_rate=1e-2, average=0.9)
    still = TrainingSet.build(template, features, FACE_160, range(30, 40), tmp_path / "still.npy", recipe=recipe)
    trained = trainer(still, recipe)
    batch = still.samples(np.array([4, 4]), np.array([9, 9]))
    losses = [trained.step(batch, 0.0)["total"] for _ in range(100)]
    assert losses[-1] < losses[0] / 8
    network = GeneratorNetwork(TINY)
    network.load_state_dict(trained.mean)
    with torch.inference_mode():
        output = network.train()(batch.image, batch.audio)
    assert (output - batch.target).abs().mean() < 0.06


def test_coarse_steps_see_half_the_size(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    trained = trainer(data)
    forward = trained.loss.forward

    def spy(output: torch.Tensor, *arguments: Any, **options: Any) -> dict[str, torch.Tensor]:
        sizes.append(output.shape[-1])
        return forward(output, *arguments, **options)

    monkeypatch.setattr(trained.loss, "forward", spy)
    for progress in (0.0, QUICK.coarse - 0.01, QUICK.coarse, 0.99):
        trained.step(trained.batch(0), progress)
    assert sizes == [80, 80, 160, 160]


def test_gradients_are_the_weighed_ones_of_the_losses(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frame_generation_pipeline.train.trainer.mixed_precision", lambda device: False)
    recipe = replace(QUICK, coarse=0.0)
    batch = data.samples(np.array([4, 5]), np.array([9, 9]))
    plain = trainer(data, recipe)
    output = faces(plain.network, batch.image, batch.audio)
    losses = plain.loss(output, batch.target, batch.audio, batch.mouth, mouth_side(data.face))
    losses["total"].backward()
    torch.nn.utils.clip_grad_norm_(plain.network.parameters(), 1.0)
    expected = {name: value.grad for name, value in plain.network.named_parameters()}

    def gradients(weights: list[float] | None) -> dict[str, torch.Tensor | None]:
        trained = trainer(data, recipe)
        trained.step(replace(batch, weights=None if weights is None else torch.tensor(weights)), 0.0)
        return {name: value.grad for name, value in trained.network.named_parameters()}

    assert all(torch.equal(value, expected[name]) for name, value in gradients(None).items() if value is not None)
    assert all(torch.equal(value, expected[name]) for name, value in gradients([1, 1]).items() if value is not None)
    weighed = gradients([2, 0])
    assert any(not torch.allclose(value, expected[name]) for name, value in weighed.items() if value is not None)


def test_an_adversary_takes_the_place_of_the_perceptual_loss_and_changes_what_is_learned(data: TrainingSet) -> None:
    recipe = replace(QUICK, coarse=0.0, perceptual=0.1, adversarial=0.5)
    trained, nearly_without = trainer(data, recipe), trainer(data, replace(recipe, adversarial=1e-9))
    before = trained.step(trained.batch(0), ADVERSARIAL_FROM - 0.01)
    assert "perceptual" in before
    assert "adversarial" not in before
    nearly_without.step(trained.batch(0), 0.0)
    losses = [trained.step(trained.batch(1), ADVERSARIAL_FROM) for _ in range(6)]
    assert "perceptual" not in losses[0]
    assert losses[-1]["discriminator"] < losses[0]["discriminator"]
    assert list(losses[0])[-1] == "total"
    plain = [nearly_without.step(trained.batch(1), ADVERSARIAL_FROM) for _ in range(6)]
    assert plain[1]["l1"] != losses[1]["l1"]
    assert losses[-1]["l1"] < 2 * plain[-1]["l1"]


def test_at_its_own_size_the_network_is_the_reference(data: TrainingSet) -> None:
    network = seeded_network(TINY)
    batch = data.batch(QUICK, np.random.default_rng(0))
    with torch.inference_mode():
        assert faces(network, batch.image, batch.audio).equal(network(batch.image, batch.audio))


def test_rate_warms_up_and_decays(data: TrainingSet) -> None:
    trained = trainer(data)

    def rate(progress: float) -> float:
        trained.step(trained.batch(0), progress)
        return float(trained.optimizer.param_groups[0]["lr"])

    first = rate(0.0)
    trained.steps = 1000
    assert first < rate(0.0) / 10
    assert rate(0.0) == QUICK.learning_rate
    assert rate(0.5) == pytest.approx(QUICK.learning_rate / 2)
    assert rate(0.999) < QUICK.learning_rate / 1000


def test_without_a_mean_the_last_weights_are_kept(data: TrainingSet) -> None:
    trained = trainer(data, replace(QUICK, average=0.0))
    run(trained, 2)
    assert all(trained.mean[name].equal(value) for name, value in trained.network.state_dict().items())


def test_memory_hint_changes_nothing() -> None:
    keep_freed_memory()
    assert torch.ones(1000).sum() == 1000
