"""SyncTalk_2D's U-Net in PyTorch: the reference with which everything else is compared.

Modules and parameters have the original programs' names, so that existing checkpoints load with `strict=True`. The
forward pass has two steps: `encode_image` depends on the template frame alone, `render` adds the audio.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from frame_generation_pipeline.spec import FACE_MOBILE, STREAMING, GeneratorSpec


class InvertedResidual(nn.Module):
    """1x1 expansion to twice the channels, 3x3 depthwise, 1x1 projection, each with a batch norm (MobileNetV2)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, residual: bool = False) -> None:
        super().__init__()
        hidden = 2 * channels_in
        self.residual = residual
        self.conv = nn.Sequential(
            nn.Conv2d(channels_in, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h / stride, w / stride)."""
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


class DoubleConvDW(nn.Module):
    """An inverted residual that changes the channels (and the size, by `stride`), then one that keeps them."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            InvertedResidual(channels_in, channels_out, stride),
            InvertedResidual(channels_out, channels_out, residual=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h / stride, w / stride)."""
        out: Tensor = self.double_conv(x)
        return out


class InConvDw(nn.Module):
    """The first layer, from the six input channels, at full size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.inconv = nn.Sequential(InvertedResidual(channels_in, channels_out))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 6, h, w) -> (n, channels_out, h, w)."""
        out: Tensor = self.inconv(x)
        return out


class Down(nn.Module):
    """One level of the image encoder, which halves the size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(DoubleConvDW(channels_in, channels_out, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h / 2, w / 2)."""
        out: Tensor = self.maxpool_conv(x)
        return out


class Up(nn.Module):
    """One level of the decoder, which doubles the size and joins the image encoder's tensor of that size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv = DoubleConvDW(channels_in, channels_out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(n, channels_in - s, h, w), (n, s, 2h, 2w) -> (n, channels_out, 2h, 2w)."""
        out: Tensor = self.conv(torch.cat([self.up(x), skip], dim=1))
        return out


class OutConv(nn.Module):
    """The last 1x1 convolution, to three colours."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h, w)."""
        out: Tensor = self.conv(x)
        return out


class AudioModel(nn.Module):
    """Turns a window of features into a tensor of the bottleneck's size; its start depends on the feature type."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        channels, height, width = spec.audio.window_shape
        if spec.audio == STREAMING:  # tells its checkpoints from those of `whisper`, whose tensors have the same shapes
            self.register_buffer("before", torch.tensor(spec.audio.before))
        _, small, middle, large, top = spec.widths
        # Every window becomes 10x10 at the bottleneck: 15 or 16 rows or columns keep their number here, 32 are halved.
        stride = (2 if height == 32 else 1, 2 if width == 32 else 1)
        if channels == 256:  # wenet windows have the channels that the other types get from two expansions
            small = middle = channels
        self.conv1 = InvertedResidual(channels, small, residual=channels == small)
        self.conv2 = InvertedResidual(small, middle, residual=small == middle)
        self.conv3 = nn.Conv2d(middle, large, 3, stride, 1)
        self.bn3 = nn.BatchNorm2d(large)
        self.conv4 = InvertedResidual(large, large, residual=True)
        # Mobile takes the middle 8x8 of the 10x10 of other networks.
        self.conv5 = nn.Conv2d(large, top, 3, 2, 1 if spec.face == FACE_MOBILE else 3)
        self.bn5 = nn.BatchNorm2d(top)
        self.relu = nn.ReLU()
        self.conv6 = InvertedResidual(top, top, residual=True)
        self.conv7 = InvertedResidual(top, top, residual=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, *window_shape) -> (n, widths[4], 10, 10), of mobile (n, widths[4], 8, 8)."""
        x = self.conv2(self.conv1(x))
        x = self.conv4(self.relu(self.bn3(self.conv3(x))))
        x = self.relu(self.bn5(self.conv5(x)))
        out: Tensor = self.conv7(self.conv6(x))
        return out


class UNet(nn.Module, ABC):
    """The base of generators: levels down to the bottleneck, where the audio joins, and the same levels up.

    A subclass sets the layers: `down1`, `up1` and so on for each of its levels, `audio_model` and `fuse_conv`.
    """

    levels: int
    audio_model: AudioModel
    fuse_conv: nn.Sequential

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def enter(self, image: Tensor) -> Tensor:
        """Network input (n, 6, size, size) in [0, 1] -> the encoder's first tensor."""

    @abstractmethod
    def leave(self, decoded: Tensor) -> Tensor:
        """The decoder's last tensor -> faces (n, 3, h, w), before the sigmoid."""

    def encode_image(self, image: Tensor) -> list[Tensor]:
        """Network input (n, 6, size, size) in [0, 1] -> the image encoder's tensors, the largest first."""
        tensors = [self.enter(image)]
        for level in range(1, self.levels + 1):
            tensors.append(self.get_submodule(f"down{level}")(tensors[-1]))
        return tensors

    def render(self, encoded: list[Tensor], audio: Tensor) -> Tensor:
        """The tensors of `encode_image` and windows (n, *window_shape) -> faces (n, 3, size, size) in [0, 1]."""
        return self.decode(encoded, self.audio_model(audio))

    def decode(self, encoded: list[Tensor], audio: Tensor) -> Tensor:
        """The tensors of `encode_image` and of the audio model, of equal size -> faces (n, 3, h, w) in [0, 1]."""
        x = self.fuse_conv(torch.cat([encoded[-1], audio], dim=1))
        for level, skip in enumerate(encoded[-2::-1], start=1):
            x = self.get_submodule(f"up{level}")(x, skip)
        return torch.sigmoid(self.leave(x))

    def forward(self, image: Tensor, audio: Tensor) -> Tensor:
        """(n, 6, size, size) in [0, 1] and (n, *window_shape) -> (n, 3, size, size) in [0, 1]."""
        return self.render(self.encode_image(image), audio)


class GeneratorNetwork(UNet):
    """The generator of `spec`: paints the face that says a window into a face whose middle is masked."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__(spec)
        # The 320 network has one more level than the 160 one, at the top, with the first level's width.
        c = spec.widths if spec.face.size == 160 else (spec.widths[0], *spec.widths)
        self.audio_model = AudioModel(spec)
        self.fuse_conv = nn.Sequential(DoubleConvDW(c[-1] * 2, c[-1]), DoubleConvDW(c[-1], c[-2]))
        self.inc = InConvDw(6, c[0])
        self.levels = len(c) - 1
        for level in range(1, self.levels + 1):
            self.add_module(f"down{level}", Down(c[level - 1], c[level]))
        # A level's output has as many channels as the next level's skip, so both halves of its input are equal.
        skips = c[-2::-1]
        outputs = (*skips[1:], c[0] // 2 if self.levels == 5 else c[0])
        for level, (skip, out) in enumerate(zip(skips, outputs, strict=True), start=1):
            self.add_module(f"up{level}", Up(2 * skip, out))
        self.outc = OutConv(outputs[-1], 3)

    def enter(self, image: Tensor) -> Tensor:
        """See `UNet.enter`; at full size."""
        first: Tensor = self.inc(image)
        return first

    def leave(self, decoded: Tensor) -> Tensor:
        """See `UNet.leave`."""
        colours: Tensor = self.outc(decoded)
        return colours
