"""The `ave` audio encoder in PyTorch: the reference from which the audio program is built.

Importing this module imports torch. Parameter names are those of the original programs.
"""

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from frame_generation_pipeline.arrays import Features
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.making.checkpoint import load_strict, read_tensors
from frame_generation_pipeline.spec import AVE

_PREFIX = "audio_encoder."  # prefix of the module's names, which most checkpoints omit


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU; a residual block adds its input before the ReLU."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 3,
        stride: int | tuple[int, int] = 1,
        padding: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel, stride, padding), nn.BatchNorm2d(channels_out)
        )
        self.residual = residual

    @property
    def parts(self) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        """The block's convolution and its batch norm."""
        return cast("tuple[nn.Conv2d, nn.BatchNorm2d]", tuple(self.conv_block))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h', w')."""
        out: Tensor = self.conv_block(x)
        return torch.relu(out + x if self.residual else out)


class AveEncoder(nn.Module):
    """Mel windows (n, 80, 16) or (n, 1, 80, 16) float32 -> features (n, 512) float32."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = nn.Sequential(
            ConvBlock(1, 32),
            ConvBlock(32, 32, residual=True),
            ConvBlock(32, 32, residual=True),
            ConvBlock(32, 64, stride=(3, 1)),
            ConvBlock(64, 64, residual=True),
            ConvBlock(64, 64, residual=True),
            ConvBlock(64, 128, stride=3),
            ConvBlock(128, 128, residual=True),
            ConvBlock(128, 128, residual=True),
            ConvBlock(128, 256, stride=(3, 2)),
            ConvBlock(256, 256, residual=True),
            ConvBlock(256, 512, padding=0),
            ConvBlock(512, 512, kernel=1, padding=0),
        )

    def forward(self, windows: Tensor) -> Tensor:
        """The features of mel windows, see the class."""
        out: Tensor = self.audio_encoder(windows.reshape(-1, 1, 80, 16))
        return out.flatten(1)


def load_ave_encoder(path: str | Path) -> AveEncoder:
    """Load the encoder of a checkpoint, on the CPU and in evaluation mode; names may begin with `audio_encoder.`.

    Raises MissingFileError; ModelError if the file is no checkpoint or a tensor is missing, unexpected or misshaped.
    """
    encoder = AveEncoder()
    tensors = read_tensors(path)
    load_strict(encoder, {_PREFIX + name.removeprefix(_PREFIX): value for name, value in tensors.items()}, path)
    return encoder.eval()


class TorchEncoder:
    """Runs the PyTorch module as an `AudioEncoder`, on `device`."""

    spec = AVE

    def __init__(self, path: str | Path, device: str) -> None:
        self._device = device
        module = load_ave_encoder(path)
        try:
            self.module = module.to(device)
        except (RuntimeError, AssertionError) as error:  # torch raises either if there is no such device
            raise OptionError(f"device {device!r} is not usable here; use cpu ({error})".splitlines()[0]) from error

    def encode(self, windows: npt.NDArray[np.float32]) -> Features:
        """Encode mel windows (n, 80, 16) float32 as features (n, 512) float32."""
        with torch.inference_mode():
            features: Features = self.module(torch.from_numpy(windows).to(self._device)).cpu().numpy()
        return features
