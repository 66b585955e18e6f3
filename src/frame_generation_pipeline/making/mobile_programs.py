"""The mobile network's own part of the programs; `programs` writes what is around it."""

from dataclasses import replace

import numpy as np

from frame_generation_pipeline.making.folding import Block, Convolution
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.layers import (
    audio_layers,
    block_layers,
    bottleneck,
    convolve,
    down_level,
    image_half,
    image_half_shape,
    up_level,
)
from frame_generation_pipeline.making.mobile import PIXELS, MobileNetwork


def encoded_mobile(graph: Graph, network: MobileNetwork, image: str) -> dict[str, str]:
    """The image's share of the work, from the network's input (n, 6, size, size): the face state's tensors by name."""
    start = Convolution.of("inc.0", network.inc[0], network.inc[1])  # type: ignore[arg-type]
    # Taking blocks of pixels for channels and the 1x1 convolution after it are a convolution with that stride.
    weight = start.weight.reshape(start.channels_out, -1, PIXELS, PIXELS)
    start = replace(start, weight=weight, stride=(PIXELS, PIXELS))
    size = network.spec.face.size // PIXELS
    x = block_layers(graph, convolve(graph, image, start), Block.of(network, "inc.2"), size)
    state = {f"skip_{size}": x}
    for level in range(1, network.levels + 1):
        x = down_level(graph, network, level, x, size)
        size //= 2
        state[f"skip_{size}"] = x
    state["bottom"] = image_half(graph, network, state.pop(f"skip_{size}"))
    return state


def decoded_mobile(graph: Graph, network: MobileNetwork, state: dict[str, str], audio: str) -> str:
    """What `encoded_mobile` gave and audio (n, *window_shape) -> the face (n, 3, size, size) in [0, 1]."""
    x = bottleneck(graph, network, state["bottom"], audio_layers(graph, network, audio))
    size = network.spec.face.size // PIXELS >> network.levels
    for level in range(1, network.levels + 1):
        size *= 2
        x = up_level(graph, network, level, x, state[f"skip_{size}"], size)
    weight, bias = (values.detach().double().numpy() for values in network.outc.even())
    basis = network.outc.basis.double().numpy()
    frequencies = convolve(graph, x, Convolution("outc", weight, bias, padding=1))
    pixels = convolve(graph, frequencies, Convolution("outc.basis", basis, np.zeros(len(basis))))
    return graph.op("DepthToSpace", graph.op("Sigmoid", pixels), blocksize=PIXELS, mode="CRD")


def mobile_state_shapes(network: MobileNetwork) -> dict[str, tuple[type, tuple[int, ...]]]:
    """The tensors that `encoded_mobile` gives for one frame, with their types and shapes."""
    size, shapes = network.spec.face.size // PIXELS, {}
    for level, channels in enumerate(network.spec.widths[1:-1]):
        shapes[f"skip_{size >> level}"] = (np.float32, (1, channels, size >> level, size >> level))
    return {**shapes, "bottom": image_half_shape(network, size >> network.levels)}
