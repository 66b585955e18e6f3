"""The mobile network: the U-Net's building blocks at a quarter of the picture's size and below.

A picture enters as blocks of 4x4 pixels and leaves as such, so that no convolution runs at its full size. Parameters
keep the names that the U-Net has for the same part; the audio model is that of the U-Net of the same width.
"""

import torch
from torch import Tensor, nn

from frame_generation_pipeline.making.network import AudioModel, DoubleConvDW, Down, InvertedResidual, Up
from frame_generation_pipeline.spec import GeneratorSpec

PIXELS = 4  # side of the block of pixels that is one position of the network's largest tensors


class MobileNetwork(nn.Module):
    """The generator of a spec whose face is `spec.FACE_MOBILE`; it has the calls of `GeneratorNetwork`."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        _, c0, c1, c2, c3 = spec.widths
        self.levels = 3
        self.audio_model = AudioModel(spec)
        self.fuse_conv = nn.Sequential(DoubleConvDW(c3 * 2, c3), DoubleConvDW(c3, c2))
        self.inc = nn.Sequential(
            nn.Conv2d(6 * PIXELS**2, c0, 1, bias=False), nn.BatchNorm2d(c0), InvertedResidual(c0, c0, residual=True)
        )
        self.down1, self.down2, self.down3 = Down(c0, c1), Down(c1, c2), Down(c2, c3)
        self.up1, self.up2, self.up3 = Up(2 * c2, c1), Up(2 * c1, c0), Up(2 * c0, c1)
        self.outc = nn.Conv2d(c1, 3 * PIXELS**2, 3, padding=1)
        # The pixels of a block begin equal (Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017),
        # so that no grid is there to be unlearned.
        with torch.no_grad():
            self.outc.weight.copy_(self.outc.weight[:: PIXELS**2].repeat_interleave(PIXELS**2, dim=0))
            nn.init.zeros_(self.outc.bias)  # type: ignore[arg-type]

    def encode_image(self, image: Tensor) -> list[Tensor]:
        """Network input (n, 6, size, size) in [0, 1] -> the encoder's tensors, from size / 4 to size / 32."""
        tensors: list[Tensor] = [self.inc(nn.functional.pixel_unshuffle(image, PIXELS))]
        for level in range(1, self.levels + 1):
            tensors.append(self.get_submodule(f"down{level}")(tensors[-1]))
        return tensors

    def render(self, encoded: list[Tensor], audio: Tensor) -> Tensor:
        """What `encode_image` gave and windows (n, *window_shape) -> faces (n, 3, size, size) in [0, 1]."""
        return self.decode(encoded, self.audio_model(audio))

    def decode(self, encoded: list[Tensor], sound: Tensor) -> Tensor:
        """What `encode_image` and the audio model gave, which meet in one size -> faces (n, 3, h, w) in [0, 1]."""
        x = self.fuse_conv(torch.cat([encoded[-1], sound], dim=1))
        for level, skip in enumerate(encoded[-2::-1], start=1):
            x = self.get_submodule(f"up{level}")(x, skip)
        return torch.sigmoid(nn.functional.pixel_shuffle(self.outc(x), PIXELS))

    def forward(self, image: Tensor, audio: Tensor) -> Tensor:
        """(n, 6, size, size) in [0, 1] and (n, *window_shape) -> (n, 3, size, size) in [0, 1]."""
        return self.render(self.encode_image(image), audio)
