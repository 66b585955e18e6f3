"""Write the layers that the programs share in the form that ONNX Runtime computes fastest; see `programs`."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from frame_generation_pipeline.making.folding import Block, Convolution
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.networks import Network

BLOCK_CHANNELS = 16  # channels that ONNX Runtime stores together: 16 with AVX-512, otherwise 8
NARROW = 16  # channels; so few are upsampled faster before their expansion to four times as many
PART_BYTES = 7_000_000  # of a part of an inner tensor; three parts must fit into the third-level cache together
BOTTOM = 10  # pixels; largest side of the smallest tensors, which is about that of the audio's tensors


def audio_layers(graph: Graph, network: Network, x: str) -> str:
    """The audio model: windows (n, *window_shape) -> the tensor that joins the image's."""
    model = network.audio_model
    for layer in ("conv1", "conv2"):
        x = block_layers(graph, x, Block.of(network, f"audio_model.{layer}"))
    x = convolve(graph, x, Convolution.of("audio_model.conv3", model.conv3, model.bn3), relu=True)
    x = block_layers(graph, x, Block.of(network, "audio_model.conv4"))
    x = convolve(graph, x, Convolution.of("audio_model.conv5", model.conv5, model.bn5), relu=True)
    for layer in ("conv6", "conv7"):
        x = block_layers(graph, x, Block.of(network, f"audio_model.{layer}"))
    return x


def bottleneck(graph: Graph, network: Network, image: str, audio: str) -> str:
    """Join the audio's tensor with that of `image_half`: the smallest tensor of the decoder."""
    first, second = double_blocks(network, "fuse_conv.0")
    from_audio = convolve(graph, audio, halves(first.expand)[1])
    x = _filtered(graph, lambda _: graph.op("Relu", graph.op("Add", from_audio, image)), first)
    for block in (second, *double_blocks(network, "fuse_conv.1")):
        x = block_layers(graph, x, block)
    return x


def down_level(graph: Graph, network: Network, level: int, x: str, size: int, before: Convolution | None = None) -> str:
    """An encoder level: apply the convolution `before` to `x` of side `size`, then halve the side."""
    first, second = double_blocks(network, f"down{level}.maxpool_conv.0")
    if before is not None:
        first = replace(first, expand=first.expand.after(before))
    return block_layers(graph, block_layers(graph, x, first, size), second, size // 2)


def image_half(graph: Graph, network: Network, x: str) -> str:
    """The image's half of the first convolution after the audio joins; `x` is the image's smallest tensor."""
    return convolve(graph, x, halves(double_blocks(network, "fuse_conv.0")[0].expand)[0])


def image_half_shape(network: Network, size: int) -> tuple[type, tuple[int, ...]]:
    """Type and shape of `image_half` if the smallest tensors have the side `size`."""
    return np.float32, (1, double_blocks(network, "fuse_conv.0")[0].expand.channels_out, size, size)


def up_level(graph: Graph, network: Network, level: int, x: str, skip: str, size: int) -> str:
    """A decoder level: `x` of half the side and the encoder's `skip` -> the tensor of side `size`."""
    first, second = double_blocks(network, f"up{level}.conv")
    return block_layers(graph, joined(graph, x, skip, first, size), second, size)


def joined(graph: Graph, x: str, skip: str, block: Block, size: int, before: Convolution | None = None) -> str:
    """A decoder level's first block: upsample `x` of half the `size`, and join `skip` after `before`."""
    below, beside = halves(block.expand)
    if before is not None:
        beside = beside.after(before)

    narrow = below.weight.shape[1] <= NARROW
    if narrow:
        x = _upsampled(graph, x)

    def expanded(part: slice) -> str:
        lower = convolve(graph, x, below.outputs(part))
        if not narrow:
            lower = _upsampled(graph, lower)
        return graph.op("Relu", graph.op("Add", lower, convolve(graph, skip, beside.outputs(part))))

    return _filtered(graph, expanded, block, size)


def _upsampled(graph: Graph, x: str) -> str:
    return graph.op(
        "Resize",
        x,
        "",
        graph.constant("twice", [1, 1, 2, 2]),
        mode="linear",
        coordinate_transformation_mode="align_corners",
    )


def block_layers(graph: Graph, x: str, block: Block, size: int = BOTTOM, start: str | None = None) -> str:
    """An inverted residual. size: the side of its input. start: a tensor to add to the result."""

    def expanded(part: slice) -> str:
        return convolve(graph, x, block.expand.outputs(part), relu=True)

    return _filtered(graph, expanded, block, size, x if block.residual else start)


def _filtered(
    graph: Graph, expanded: Callable[[slice], str], block: Block, size: int = BOTTOM, total: str | None = None
) -> str:
    """Sum the depthwise convolution and projection over parts of the inner channels, which `expanded` gives.

    size: the side of the expanded tensors; it determines how many channels a part has.
    """
    channels = block.depthwise.channels_out
    step = max(BLOCK_CHANNELS, PART_BYTES // (4 * size * size) // BLOCK_CHANNELS * BLOCK_CHANNELS)
    for begin in range(0, channels, step):
        part = slice(begin, min(begin + step, channels))
        filtered = convolve(graph, expanded(part), block.depthwise.outputs(part), relu=True)
        projected = convolve(graph, filtered, block.project.inputs(part, bias=begin == 0))
        total = projected if total is None else graph.op("Add", projected, total)
    assert total is not None
    return total


def convolve(graph: Graph, x: str, convolution: Convolution, *, relu: bool = False) -> str:
    """Convolve `x`, with a ReLU after it if `relu`."""
    y = graph.op(
        "Conv",
        x,
        graph.constant(f"{convolution.name}.weight", convolution.weight),
        graph.constant(f"{convolution.name}.bias", convolution.bias),
        kernel_shape=convolution.weight.shape[2:],
        strides=convolution.stride,
        pads=[convolution.padding] * 4,
        group=convolution.groups,
    )
    return graph.op("Relu", y) if relu else y


def halves(convolution: Convolution) -> tuple[Convolution, Convolution]:
    """The convolutions of the two halves of the input channels; the second one has the bias."""
    channels = convolution.weight.shape[1]
    return (
        convolution.inputs(slice(0, channels // 2), bias=False),
        convolution.inputs(slice(channels // 2, channels), bias=True),
    )


def double_blocks(network: Network, path: str) -> tuple[Block, Block]:
    """Fold the two blocks of the `DoubleConvDW` at `path`."""
    return Block.of(network, f"{path}.double_conv.0"), Block.of(network, f"{path}.double_conv.1")
