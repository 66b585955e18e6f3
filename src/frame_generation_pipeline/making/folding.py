"""Rewrite trained convolutions exactly: fold batch norms, and merge consecutive 1x1 convolutions.

Everything is computed with NumPy in float64 and rounded once, when it becomes a constant of a graph.
"""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
from torch import nn

from frame_generation_pipeline.making.network import InvertedResidual

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with bias. weight: (out, in / groups, kh, kw); bias: (out,); stride: (vertical, horizontal)."""

    name: str  # of its parameters in the network
    weight: Array
    bias: Array
    stride: tuple[int, int] = (1, 1)
    padding: int = 0
    groups: int = 1

    @classmethod
    def of(cls, name: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> "Convolution":
        """Fold the batch norm after `convolution`, in evaluation mode, into it."""
        weight = _array(convolution.weight)
        bias = np.zeros(len(weight)) if convolution.bias is None else _array(convolution.bias)
        if norm is not None:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
            weight = weight * scale[:, None, None, None]
            bias = (bias - _array(norm.running_mean)) * scale + _array(norm.bias)
        stride, padding = convolution.stride, convolution.padding
        return cls(name, weight, bias, (stride[0], stride[1]), int(padding[0]), convolution.groups)

    @property
    def channels_out(self) -> int:
        """The number of output channels."""
        return len(self.weight)

    def outputs(self, part: slice) -> "Convolution":
        """The convolution for the output channels in `part` only; a depthwise one takes only these input channels."""
        if part == slice(0, self.channels_out):
            return self
        return replace(
            self,
            name=f"{self.name}.outputs_{part.start}_{part.stop}",
            weight=self.weight[part],
            bias=self.bias[part],
            groups=1 if self.groups == 1 else part.stop - part.start,
        )

    def inputs(self, part: slice, *, bias: bool) -> "Convolution":
        """The convolution of the input channels in `part` only; parts add up to the whole if one of them has `bias`."""
        if bias and part == slice(0, self.weight.shape[1]):
            return self
        return replace(
            self,
            name=f"{self.name}.inputs_{part.start}_{part.stop}",
            weight=self.weight[:, part],
            bias=self.bias if bias else np.zeros_like(self.bias),
        )

    def after(self, first: "Convolution") -> "Convolution":
        """Merge this 1x1 convolution with the 1x1 convolution `first` before it."""
        weight = self.weight[:, :, 0, 0]
        return replace(
            self,
            name=f"{self.name}.after.{first.name}",
            weight=(weight @ first.weight[:, :, 0, 0])[:, :, None, None],
            bias=self.bias + weight @ first.bias,
        )


@dataclass(frozen=True, eq=False)
class Block:
    """A folded `InvertedResidual`: expand, ReLU, depthwise, ReLU, project, and add the input if `residual`."""

    expand: Convolution
    depthwise: Convolution
    project: Convolution
    residual: bool

    @classmethod
    def of(cls, network: nn.Module, path: str) -> "Block":
        """Fold the `InvertedResidual` at the submodule `path` of `network`."""
        block = network.get_submodule(path)
        assert isinstance(block, InvertedResidual)
        layers = block.conv
        expand, depthwise, project = (
            Convolution.of(
                f"{path}.conv.{index}", cast(nn.Conv2d, layers[index]), cast(nn.BatchNorm2d, layers[index + 1])
            )
            for index in (0, 3, 6)
        )
        return cls(expand, depthwise, project, block.residual)

    def widened(self, multiple: int) -> "Block":
        """The same function with the number of inner channels rounded up to a multiple; the new ones are zero."""
        more = -self.expand.channels_out % multiple
        expand, depthwise = (
            replace(part, weight=_padded(part.weight, more), bias=_padded(part.bias, more))
            for part in (self.expand, self.depthwise)
        )
        return replace(
            self,
            expand=expand,
            depthwise=replace(depthwise, groups=depthwise.groups + more),
            project=replace(self.project, weight=_padded(self.project.weight, more, axis=1)),
        )


def _array(tensor: object) -> Array:
    return np.asarray(tensor.detach().double().numpy())  # type: ignore[attr-defined]


def _padded(values: Array, more: int, axis: int = 0) -> Array:
    return np.pad(values, [(0, more if axis == index else 0) for index in range(values.ndim)])
