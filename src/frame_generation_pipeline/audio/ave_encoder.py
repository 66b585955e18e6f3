"""The `ave` audio encoder in PyTorch: the reference that `encoder.py`'s ONNX files are exported from and checked with.

Importing this module imports torch. Parameter names are those of the original programs.
"""

import copy
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.generator.checkpoint import load_strict, read_tensors
from frame_generation_pipeline.spec import AVE

if TYPE_CHECKING:
    from onnx import ModelProto

_PREFIX = "audio_encoder."  # of the module's names; checkpoints are usually written without it


class ConvBlock(nn.Module):
    """Convolution, batch norm, the input added where `residual`, ReLU."""

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

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) -> (n, channels_out, h', w')."""
        out: Tensor = self.conv_block(x)
        return torch.relu(out + x if self.residual else out)

    def folded(self) -> nn.Conv2d:
        """The one convolution that does what the block's convolution and batch norm do in evaluation."""
        parts = copy.deepcopy(self.conv_block).double().eval()
        conv, norm = cast("tuple[nn.Conv2d, nn.BatchNorm2d]", tuple(parts))
        return fuse_conv_bn_eval(conv, norm).float()


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
    """The encoder of a checkpoint, on the CPU and in evaluation mode; names with or without `audio_encoder.`.

    Raises MissingFileError, or ModelError when the file is no checkpoint or lacks, adds or misshapes a tensor.
    """
    encoder = AveEncoder()
    tensors = read_tensors(path)
    load_strict(encoder, {_PREFIX + name.removeprefix(_PREFIX): value for name, value in tensors.items()}, path)
    return encoder.eval()


class TorchEncoder:
    """The `AudioEncoder` that runs the torch module itself, on `device`."""

    spec = AVE

    def __init__(self, path: str | Path, device: str) -> None:
        self._device = device
        module = load_ave_encoder(path)
        try:
            self._module = module.to(device)
        except (RuntimeError, AssertionError) as error:  # torch's ways to say that there is no such device
            raise OptionError(f"device {device!r} is not usable here; use cpu ({error})".splitlines()[0]) from error

    def encode(self, windows: np.ndarray) -> np.ndarray:
        """(n, 80, 16) float32 -> (n, 512) float32."""
        with torch.inference_mode():
            features: np.ndarray = self._module(torch.from_numpy(windows).to(self._device)).cpu().numpy()
        return features


def onnx_graph(encoder: AveEncoder, opset: int) -> "ModelProto":
    """The encoder as ONNX: "windows" (n, 80, 16) -> "features" (n, 512), with the batch norms folded.

    The graph is written out node by node: it needs Conv, Add, Relu and two reshapes, and so hangs on no exporter.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("Reshape", ["windows", "image"], ["x0"])]
    initializers = [numpy_helper.from_array(np.array([-1, 1, 80, 16]), "image")]
    for index, block in enumerate(encoder.audio_encoder):
        assert isinstance(block, ConvBlock)
        conv = block.folded()
        initializers += [numpy_helper.from_array(v.numpy(), f"{k}{index}") for k, v in conv.state_dict().items()]
        x, out = f"x{index}", f"conv{index}"
        inputs, pads = [x, f"weight{index}", f"bias{index}"], [*conv.padding, *conv.padding]
        nodes.append(helper.make_node("Conv", inputs, [out], strides=conv.stride, pads=pads))
        if block.residual:
            nodes.append(helper.make_node("Add", [out, x], [f"sum{index}"]))
            out = f"sum{index}"
        nodes.append(helper.make_node("Relu", [out], [f"x{index + 1}"]))
    nodes.append(helper.make_node("Flatten", [f"x{len(encoder.audio_encoder)}"], ["features"]))
    graph = helper.make_graph(
        nodes,
        "ave_encoder",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["n", 80, 16])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 512])],
        initializers,
    )
    opsets = [helper.make_opsetid("", opset)]
    # The oldest format that has the opset, so that older runtimes read the file too.
    return helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))
