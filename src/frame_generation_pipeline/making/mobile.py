"""The mobile network: the U-Net's building blocks at a quarter of the image's size and below.

An image enters as blocks of 4x4 pixels and leaves as such, so that no convolution runs at its full size. Parameters
keep the names that the U-Net has for the same part; the audio model is that of the U-Net of the same width.
"""

import torch
from torch import Tensor, nn

from frame_generation_pipeline.making.network import AudioModel, DoubleConvDW, Down, InvertedResidual, UNet, Up
from frame_generation_pipeline.spec import GeneratorSpec

PIXELS = 4  # side of the block of pixels that is one position of the network's largest tensors


class PixelBlocks(nn.Conv2d):
    """A 3x3 convolution to blocks of 4x4 pixels, (n, channels, h, w) -> (n, 3 * 16, h, w), that can draw no grid.

    What is the same all along a row of positions is painted the same in all columns of their pixels, and likewise along
    a column: of the weights, what would tell the pixels of a block apart there is left out, wherever they are used.
    That an equal input gives equal pixels is the condition of Sugawara, Shiota and Kiya, "Super-resolution using
    convolutional neural networks without any checkerboard artifacts", 2018; here it holds for each direction by itself,
    so that an edge across the other one is as sharp as ever.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 3 * PIXELS**2, 3, padding=1)

    def even(self) -> tuple[Tensor, Tensor]:
        """The weight (48, channels, 3, 3) and bias (48,) that are computed with."""
        assert self.bias is not None
        # Colour, row and column in the block, channel, taps.
        weight = self.weight.reshape(3, PIXELS, PIXELS, *self.weight.shape[1:])
        for pixels, taps in ((1, 4), (2, 5)):
            along = weight.mean(dim=taps, keepdim=True)
            weight = weight - (along - along.mean(dim=pixels, keepdim=True))
        bias = self.bias.reshape(3, -1).mean(dim=1).repeat_interleave(PIXELS**2)
        return weight.flatten(0, 2), bias

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return nn.functional.conv2d(x, *self.even(), padding=1)


class MobileNetwork(UNet):
    """The generator of a spec whose face is `spec.FACE_MOBILE`."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__(spec)
        _, c0, c1, c2, c3 = spec.widths
        self.levels = 3
        self.audio_model = AudioModel(spec)
        self.fuse_conv = nn.Sequential(DoubleConvDW(c3 * 2, c3), DoubleConvDW(c3, c2))
        self.inc = nn.Sequential(
            nn.Conv2d(6 * PIXELS**2, c0, 1, bias=False), nn.BatchNorm2d(c0), InvertedResidual(c0, c0, residual=True)
        )
        self.down1, self.down2, self.down3 = Down(c0, c1), Down(c1, c2), Down(c2, c3)
        self.up1, self.up2, self.up3 = Up(2 * c2, c1), Up(2 * c1, c0), Up(2 * c0, c1)
        self.outc = PixelBlocks(c1)
        # The pixels of a block begin equal: Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017.
        with torch.no_grad():
            self.outc.weight.copy_(self.outc.weight[:: PIXELS**2].repeat_interleave(PIXELS**2, dim=0))
            nn.init.zeros_(self.outc.bias)  # type: ignore[arg-type]

    def enter(self, image: Tensor) -> Tensor:
        """See `UNet.enter`; at a quarter of the size."""
        first: Tensor = self.inc(nn.functional.pixel_unshuffle(image, PIXELS))
        return first

    def leave(self, decoded: Tensor) -> Tensor:
        """See `UNet.leave`."""
        return nn.functional.pixel_shuffle(self.outc(decoded), PIXELS)
