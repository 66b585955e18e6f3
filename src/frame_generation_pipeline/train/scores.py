"""Score a training on held-out samples, rendered with its present weights."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.train.dataset import mouth_side
from frame_generation_pipeline.train.losses import around_lips
from frame_generation_pipeline.train.trainer import Trainer

FRAMES = 8  # shown in the image
GAIN = 4  # factor of the differences in the image


def score_held_out(
    weights: dict[str, Tensor], trainer: Trainer, count: int = FRAMES
) -> tuple[dict[str, float], npt.NDArray[np.uint8] | None]:
    """Score `weights` on `count` held-out samples.

    Returns the PSNR in dB of all samples together, over the face and around the lips, and an image (h, w, 3) uint8 BGR
    with target, output and difference of the first ones; an empty dictionary and None if nothing is held out.
    """
    batch = trainer.data.held_out_samples(count)
    if batch is None:
        return {}, None
    network = build_network(trainer.network.spec)
    network.load_state_dict(weights)
    network.eval()
    with torch.inference_mode():
        output = torch.cat([network(batch.image[i : i + 1], batch.audio[i : i + 1]) for i in range(count)])
    side = mouth_side(trainer.data.face)
    lips = (around_lips(faces, batch.mouth, side) for faces in (output, batch.target))
    scores = {"face PSNR": psnr(_mse(output, batch.target)), "mouth PSNR": psnr(_mse(*lips))}
    difference = (GAIN * (output - batch.target).abs()).clamp(max=1)
    rows = [torch.cat(list(faces[:FRAMES]), dim=2) for faces in (batch.target, output, difference)]
    image = (torch.cat(rows, dim=1).permute(1, 2, 0) * 255).round().byte().numpy()
    return scores, image


def _mse(output: Tensor, target: Tensor) -> float:
    """Mean squared error in levels squared, of values in [0, 1]."""
    return 255**2 * float(((output - target) ** 2).mean())
