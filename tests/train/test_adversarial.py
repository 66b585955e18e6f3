"""The adversary tells output mouths from target ones."""

from contextlib import nullcontext

import torch

from frame_generation_pipeline.train.adversarial import Adversary


def squares(seed: int) -> torch.Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def blurred(images: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(images, 5, 1, 2)


def test_blurred_mouths_are_told_from_sharp_ones_and_are_a_loss() -> None:
    adversary = Adversary(torch.device("cpu"), nullcontext(), seed=0)
    hinge = [adversary.learn(blurred(squares(step)), squares(step)).item() for step in range(40)]
    assert hinge[0] > 0.9
    assert hinge[-1] < 0.6
    target = squares(99)
    output = blurred(target).requires_grad_()
    loss = adversary.loss(output, target)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss > adversary.loss(target, target)
    assert output.grad is not None
    assert output.grad.abs().max() > 0
    assert all(parameter.requires_grad for parameter in adversary.network.parameters())


def test_it_begins_with_its_seed_and_works_in_bfloat16() -> None:
    state = torch.get_rng_state()
    first, second = (Adversary(torch.device("cpu"), nullcontext(), seed=3) for _ in range(2))
    assert torch.get_rng_state().equal(state)
    second.autocast = torch.autocast("cpu", torch.bfloat16)
    exact, half = (adversary.loss(squares(0), squares(1)) for adversary in (first, second))
    assert exact != half
    assert torch.isclose(exact, half, atol=0.02)
