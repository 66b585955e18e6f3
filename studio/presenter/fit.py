"""Fit a small network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def fit(network: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float, weight_decay: float) -> None:
    """AdamW with a rate along half a cosine; `loss` is called for each step, on a batch of its own."""
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
