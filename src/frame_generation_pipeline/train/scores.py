"""How a training stands: frames that it does not learn from, painted with the weights as they are."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.train.dataset import mouth_side
from frame_generation_pipeline.train.losses import around_lips
from frame_generation_pipeline.train.trainer import Trainer

FRAMES = 8  # held-out frames that are painted
GAIN = 4  # of the differences shown


def score_held_out(
    weights: dict[str, Tensor], trainer: Trainer
) -> tuple[dict[str, float], npt.NDArray[np.uint8] | None]:
    """Score `weights` on frames spread over the held-out part, each with a reference image from the training part.

    Returns the PSNR in dB over the face and around the lips, of the mean squared error over all frames, and a picture
    (h, w, 3) uint8 BGR with truth, output and difference of each; nothing of either when nothing is held out.
    """
    data = replace(trainer.data, cutting=None)  # painted on the CPU
    if not data.held_out:
        return {}, None
    network = build_network(trainer.network.spec)
    network.load_state_dict(weights)
    network.eval()
    targets = np.linspace(data.held_out.start, data.held_out.stop - 1, FRAMES).round().astype(np.int64)
    references = data.train[np.linspace(0, len(data.train) - 1, FRAMES).round().astype(np.int64)]
    batch = data.samples(targets, references)
    with torch.inference_mode():
        output = torch.cat([network(batch.image[i : i + 1], batch.audio[i : i + 1]) for i in range(FRAMES)])
    side = mouth_side(data.face)
    lips = (around_lips(faces, batch.mouth, side) for faces in (output, batch.target))
    scores = {"face PSNR": psnr(_mse(output, batch.target)), "mouth PSNR": psnr(_mse(*lips))}
    difference = (GAIN * (output - batch.target).abs()).clamp(max=1)
    rows = [torch.cat(list(faces), dim=2) for faces in (batch.target, output, difference)]
    picture = (torch.cat(rows, dim=1).permute(1, 2, 0) * 255).round().byte().numpy()
    return scores, picture


def _mse(output: Tensor, target: Tensor) -> float:
    """Mean squared error in levels squared, of values in [0, 1]."""
    return 255**2 * float(((output - target) ** 2).mean())
