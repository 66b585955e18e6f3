"""A loss of VGG features instead of pixels, which are sensitive to edges and texture.

J. Johnson, A. Alahi and L. Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", 2016,
arXiv:1603.08155. The weights that come with the package are VGG16's first seven convolutions, fine-tuned to find edges.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.making.checkpoint import read_tensors
from frame_generation_pipeline.weights import PERCEPTUAL

# (channels in, channels out) of the convolutions up to conv3_3, by torchvision's index; the same in VGG16 and VGG19.
_LAYERS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256)}
_POOLED = (2, 7)  # sizes are halved after the ReLU of these
TAPS = (2, 7, 14)  # conv1_2, conv2_2 and conv3_3
MEAN = (104.00699, 116.66877, 122.67892)  # of the training images of the built-in weights: BGR, 0 to 255
DEVIATION = 57.4  # grey levels; torchvision's weights are for images divided by it, the built-in ones are not


class PerceptualLoss(nn.Module):
    """The difference between the VGG features of two images.

    weights: a file of torchvision's VGG16 or VGG19; by default the built-in weights.
    original: SyncTalk_2D's loss, the mean squared difference of conv3_3 for images in [0, 1]; by default, the mean
    absolute difference of `TAPS`, divided by the target's mean absolute features.

    Raises ModelError for a file without the convolutions.
    """

    mean: Tensor

    def __init__(self, weights: str | Path | None = None, *, original: bool = False) -> None:
        super().__init__()
        self.original = original
        path = Path(weights) if weights is not None else PERCEPTUAL
        tensors = read_tensors(path)
        self.features = nn.ModuleDict()
        for index, (channels_in, channels_out) in _LAYERS.items():
            layer = nn.Conv2d(channels_in, channels_out, 3, padding=1)
            for name, parameter in layer.named_parameters():
                tensor = tensors.get(f"features.{index}.{name}")
                if tensor is None or tensor.shape != parameter.shape:
                    raise ModelError(
                        f"{path}: has no features.{index}.{name} of VGG16 or VGG19; give torchvision's weights"
                    )
                parameter.data = tensor.float()
            self.features[str(index)] = layer
        self.requires_grad_(False)
        own = weights is None
        self.register_buffer("mean", torch.tensor(MEAN if own and not original else (0.0,) * 3).view(1, 3, 1, 1))
        self.scale = (DEVIATION if original else 255.0) if own else 1.0

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Images (b, 3, h, w) BGR in [0, 1] -> a scalar; only `output` gets gradients."""
        actual = self._features(output)
        with torch.no_grad():
            expected = self._features(target)
        if self.original:
            return ((actual[-1] - expected[-1]) ** 2).mean()
        apart = [(f - w).abs().mean() / w.abs().mean().clamp(min=1e-6) for f, w in zip(actual, expected, strict=True)]
        return torch.stack(apart).mean()

    def _features(self, images: Tensor) -> list[Tensor]:
        x = images * self.scale - self.mean
        taps = []
        for name, layer in self.features.items():
            x = layer(x)
            if int(name) in TAPS:
                taps.append(x)
            x = torch.relu(x)
            if int(name) in _POOLED:
                x = nn.functional.max_pool2d(x, 2)
        return taps
