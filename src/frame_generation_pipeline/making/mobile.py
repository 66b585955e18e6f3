"""The mobile network: the U-Net's building blocks at a quarter of the image's size and below.

An image enters as blocks of 4x4 pixels and leaves as such, so that no convolution runs at its full size. Parameters
keep the names that the U-Net has for the same part; the audio model is that of the U-Net of the same width.
"""

import torch
from torch import Tensor, nn

from frame_generation_pipeline.making.network import AudioModel, DoubleConvDW, Down, InvertedResidual, UNet, Up
from frame_generation_pipeline.spec import GeneratorSpec

PIXELS = 4  # side of the block of pixels that is one position of the network's largest tensors
FREQUENCIES = (  # across the colours, down the rows and along the columns of a block: those that mouths have most of
    *((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 2), (0, 2, 0), (0, 0, 3), (0, 3, 0)),
    *((1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 0, 2), (1, 2, 0), (2, 0, 0), (2, 0, 1), (2, 1, 0)),
)


def cosines(length: int) -> Tensor:
    """The orthonormal discrete cosine transform (DCT-II): (frequency, place), float64."""
    places, frequencies = torch.arange(length, dtype=torch.float64), torch.arange(length)[:, None]
    waves: Tensor = torch.cos(torch.pi * (places + 0.5) * frequencies / length) * (2 / length) ** 0.5
    waves[0] /= 2**0.5
    return waves


class PixelBlocks(nn.Conv2d):
    """A 3x3 convolution to blocks of 4x4 pixels, (n, channels, h, w) -> (n, 3 * 16, h, w), that can draw no grid.

    A block is the sum of its `FREQUENCIES`, each times what the convolution gives for it. On two people's mouths, a
    network that had all 48 painted the same without the other 32 to a PSNR of 65 dB.

    What is the same all along a row of positions is the same in all columns of their pixels, and likewise along a
    column: there the weights of frequencies that would tell the pixels of a block apart add up to nothing.
    That an equal input gives equal pixels is the condition of Sugawara, Shiota and Kiya, "Super-resolution using
    convolutional neural networks without any checkerboard artifacts", 2018; here it holds for each direction by itself,
    so that an edge across the other one is as sharp as ever.
    """

    basis: Tensor  # (48, frequencies, 1, 1): the pixels of each frequency
    down: Tensor  # (frequencies, 1, 1, 1): 1 for those that vary down a block, 0 for others
    along: Tensor  # likewise along it

    def __init__(self, channels: int) -> None:
        super().__init__(channels, len(FREQUENCIES), 3, padding=1)
        colour, row, column = torch.tensor(FREQUENCIES).T
        waves = cosines(PIXELS)
        basis = torch.einsum("fc,fi,fj->cijf", cosines(3)[colour], waves[row], waves[column]).flatten(0, 2)
        self.register_buffer("basis", basis.float()[:, :, None, None], persistent=False)
        self.register_buffer("down", (row > 0).float()[:, None, None, None], persistent=False)
        self.register_buffer("along", (column > 0).float()[:, None, None, None], persistent=False)
        # The pixels of a block begin equal: Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017.
        with torch.no_grad():
            self.weight.mul_(PIXELS * (1 - self.down) * (1 - self.along))
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def even(self) -> tuple[Tensor, Tensor]:
        """The weight (frequencies, channels, 3, 3) and bias (frequencies,) that are computed with."""
        assert self.bias is not None
        weight = self.weight - self.weight.mean(dim=2, keepdim=True) * self.down
        weight = weight - weight.mean(dim=3, keepdim=True) * self.along
        return weight, self.bias * ((1 - self.down) * (1 - self.along)).flatten()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        weight, bias = self.even()
        return nn.functional.conv2d(nn.functional.conv2d(x, weight, bias, padding=1), self.basis)


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

    def enter(self, image: Tensor) -> Tensor:
        """See `UNet.enter`; at a quarter of the size."""
        first: Tensor = self.inc(nn.functional.pixel_unshuffle(image, PIXELS))
        return first

    def leave(self, decoded: Tensor) -> Tensor:
        """See `UNet.leave`."""
        return nn.functional.pixel_shuffle(self.outc(decoded), PIXELS)
