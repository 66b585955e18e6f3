"""What is expected of an audio model follows from how articulators move."""

import pytest
import torch

from studio.presenter import expected
from studio.presenter.expected import Expected


def test_it_is_the_mean_over_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "STEPS", 300)
    random = torch.Generator().manual_seed(0)
    moves = torch.rand(2000, 6, generator=random)
    directions = torch.randn(6, 3, 2, 2, generator=random)
    said = torch.einsum("nk,kchw->nchw", moves, directions)
    voices = said + torch.randn(said.shape, generator=random)  # of variance 1, as what moves say, or so
    known = Expected(moves[:1500], voices[:1500])
    error = (known(moves[1500:]) - said[1500:]).square().mean() / said.var(0).mean()
    assert error < 0.2
    assert not any(parameter.requires_grad for parameter in known.parameters())
