"""Build a generator's ONNX programs: the network alone, and the face and render programs, from crop to patch.

The face program computes everything that depends on the template frame alone, the render program the rest. Both compute
what the reference does, with fewer multiplications and less memory traffic:

- batch norms are folded into the convolutions, and consecutive 1x1 convolutions into one;
- a decoder level's first convolution is split into two, one for each half of its input, whose outputs are added. That
  of the upsampled half runs before the upsampling, on a quarter of the pixels (a 1x1 convolution commutes with
  interpolation), unless the half is so narrow that upsampling it first is cheaper;
- the full-size tensor of the image encoder is never computed: what follows is computed from the 12 channels before it;
- a large inner tensor of a block is computed, filtered and summed a few channels at a time, so that it stays in the
  processor's cache.
"""

from dataclasses import replace

import numpy as np
import onnx

from frame_generation_pipeline.making.cropping import network_input, resize_crop
from frame_generation_pipeline.making.folding import Block, Convolution
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.layers import (
    BLOCK_CHANNELS,
    audio_layers,
    block_layers,
    bottleneck,
    convolve,
    double_blocks,
    down_level,
    image_half,
    image_half_shape,
    joined,
    up_level,
)
from frame_generation_pipeline.making.mobile import MobileNetwork
from frame_generation_pipeline.making.mobile_programs import decoded_mobile, encoded_mobile, mobile_state_shapes
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.write_back import kept, written_back
from frame_generation_pipeline.spec import WINDOW


def build_face_program(network: Network) -> onnx.ModelProto:
    """Build the program crop (h, w, 3) uint8 BGR -> face state, with the outputs of `face_state_shapes`."""
    graph, face = Graph(), network.spec.face
    resized = resize_crop(graph, face, graph.input("crop", np.uint8, ("h", "w", 3)))
    state = {"resized": graph.cast(resized, np.uint8)}

    if isinstance(network, MobileNetwork):
        state |= encoded_mobile(graph, network, network_input(graph, face, resized))
    else:
        state |= _encoded(graph, network, resized)
    for name, (dtype, shape) in face_state_shapes(network).items():
        graph.output(state[name], name, dtype, shape)
    return graph.model("face")


def build_render_program(network: Network, *, parsing: bool = False) -> onnx.ModelProto:
    """Build the program window, crop, blend, face state -> patch (h, w, 3) uint8 BGR.

    window: (16, F) float32. crop: (h, w, 3) uint8 BGR, from which the state was computed. blend: () uint8, an index
    into `spec.BLENDS`. With `parsing` also keep: (h, w) uint8, not zero where the crop keeps its own pixels.
    """
    graph, spec = Graph(), network.spec
    window = graph.input("window", np.float32, (WINDOW, spec.audio.feature_size))
    crop = graph.input("crop", np.uint8, ("h", "w", 3))
    feathered = graph.cast(graph.input("blend", np.uint8, ()), np.bool_)
    keep = graph.input("keep", np.uint8, ("h", "w")) if parsing else None
    state = {name: graph.input(name, *kind) for name, kind in face_state_shapes(network).items()}
    resized = graph.cast(state["resized"], np.float32)

    audio = graph.op("Reshape", window, graph.integers(1, *spec.audio.window_shape))
    if isinstance(network, MobileNetwork):
        output = decoded_mobile(graph, network, state, audio)
    else:
        output = _decoded(graph, network, state, audio, resized)
    patch = written_back(graph, spec.face, output, resized, crop, feathered)
    if keep is not None:
        patch = kept(graph, keep, crop, patch)
    graph.output(patch, "patch", np.uint8, ("h", "w", 3))
    return graph.model("render")


def build_network_program(network: Network) -> onnx.ModelProto:
    """Build the network alone: image (n, 6, size, size), audio (n, *window_shape) -> face (n, 3, size, size)."""
    graph, spec = Graph(), network.spec
    size = spec.face.size
    image = graph.input("image", np.float32, ("n", 6, size, size))
    audio = graph.input("audio", np.float32, ("n", *spec.audio.window_shape))
    if isinstance(network, MobileNetwork):
        output = decoded_mobile(graph, network, encoded_mobile(graph, network, image), audio)
        graph.output(output, "face", np.float32, ("n", 3, size, size))
        return graph.model("generator")
    encoded = [block_layers(graph, image, Block.of(network, "inc.inconv.0"), size)]
    for level in range(1, network.levels + 1):
        encoded.append(down_level(graph, network, level, encoded[-1], size >> (level - 1)))
    bottom = image_half(graph, network, encoded.pop())
    x = bottleneck(graph, network, bottom, audio_layers(graph, network, audio))
    for level, skip in enumerate(reversed(encoded), start=1):
        x = up_level(graph, network, level, x, skip, size >> (network.levels - level))
    colours = convolve(graph, x, Convolution.of("outc.conv", network.outc.conv))
    graph.output(graph.op("Sigmoid", colours), "face", np.float32, ("n", 3, size, size))
    return graph.model("generator")


def face_state_shapes(network: Network) -> dict[str, tuple[type, tuple[int, ...]]]:
    """The types and shapes of a face state's tensors, by name.

    resized: the crop at the generator's size, planar. skip_<size>: the image encoder's tensors for the decoder, except
    that of full size. bottom: the image's half of the first convolution after the audio joins.
    """
    face = network.spec.face
    shapes: dict[str, tuple[type, tuple[int, ...]]] = {"resized": (np.uint8, (3, face.crop_size, face.crop_size))}
    if isinstance(network, MobileNetwork):
        return shapes | mobile_state_shapes(network)
    for level in range(1, network.levels):
        size, (_, last) = face.size >> level, double_blocks(network, f"down{level}.maxpool_conv.0")
        shapes[f"skip_{size}"] = (np.float32, (1, last.project.channels_out, size, size))
    return shapes | {"bottom": image_half_shape(network, face.size >> network.levels)}


def _encoded(graph: Graph, network: GeneratorNetwork, resized: str) -> dict[str, str]:
    """Write the U-Net's part of the face program; returns the tensors of the face state by name."""
    face, state = network.spec.face, {}
    x, before = _full_size(graph, network, resized)
    for level in range(1, network.levels + 1):
        size = face.size >> level
        x = down_level(graph, network, level, x, 2 * size, before if level == 1 else None)
        state[f"skip_{size}"] = x
    state["bottom"] = image_half(graph, network, x)
    return state


def _decoded(graph: Graph, network: GeneratorNetwork, state: dict[str, str], audio: str, resized: str) -> str:
    """Write the U-Net's part of the render program; returns the face (1, 3, size, size) in [0, 1]."""
    spec = network.spec
    x = bottleneck(graph, network, state["bottom"], audio_layers(graph, network, audio))
    for level in range(1, network.levels):
        size = spec.face.size >> (network.levels - level)
        x = up_level(graph, network, level, x, state[f"skip_{size}"], size)

    hidden, before = _full_size(graph, network, resized)
    first, last = double_blocks(network, f"up{network.levels}.conv")
    x = joined(graph, x, hidden, first, spec.face.size, before)
    colours = Convolution.of("outc.conv", network.outc.conv)
    # The last block ends in colours: its input and its inner tensor are both projected to them directly.
    start = convolve(graph, x, colours.inputs(slice(0, first.project.channels_out), bias=False))
    last = replace(last, project=colours.after(last.project), residual=False)
    return graph.op("Sigmoid", block_layers(graph, x, last, spec.face.size, start))


def _full_size(graph: Graph, network: GeneratorNetwork, resized: str) -> tuple[str, Convolution]:
    """The inner tensor of the image encoder's first block, and the projection after it."""
    # ONNX Runtime's fast layout needs a multiple of 16 channels; zeros are added to the 12 of this convolution.
    block = Block.of(network, "inc.inconv.0").widened(BLOCK_CHANNELS)
    expanded = convolve(graph, network_input(graph, network.spec.face, resized), block.expand, relu=True)
    return convolve(graph, expanded, block.depthwise, relu=True), block.project
