"""The generator as ONNX programs: the network alone, and everything between a crop and the crop that is written back.

Of the latter there are two. The face program does what depends on the template frame alone, the render program the
rest. Both compute what the reference does, with fewer multiplications and less traffic to memory:

- batch norms fold into the convolutions, and 1x1 convolutions with nothing between them into one;
- a decoder level's first convolution runs apart on its two halves, which are added: on the upsampled half before the
  upsampling, at a quarter of the pixels (a 1x1 convolution commutes with interpolation), unless that is so narrow that
  upsampling it first is cheaper;
- the full-size tensor of the image encoder is never made: what follows is computed from the 12 channels before it;
- where a block's inner tensor is large, it is made, filtered and summed up a few channels at a time, so that it stays
  in the processor's cache.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx

from frame_generation_pipeline.face import blend
from frame_generation_pipeline.making.folding import Block, Convolution
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.resize import resize
from frame_generation_pipeline.spec import WINDOW, FaceSpec

BLOCK_CHANNELS = 16  # channels that ONNX Runtime keeps together: 16 with AVX-512, otherwise 8
NARROW = 16  # channels; so few are upsampled faster than the four times as many that they expand to
PART_BYTES = 7_000_000  # of an inner tensor made at once; the three that a part needs share a third-level cache
BOTTOM = 10  # pixels; side of the smallest tensors, and the audio's are about as small


def build_face_program(network: GeneratorNetwork) -> onnx.ModelProto:
    """The program crop (h, w, 3) uint8 BGR -> face state; outputs are named and shaped as `face_state_shapes` says."""
    graph, face = Graph(), network.spec.face
    crop = graph.input("crop", np.uint8, ("h", "w", 3))
    side = graph.integers(face.crop_size)
    planar = graph.op("Transpose", graph.cast(crop, np.float32), perm=[2, 0, 1])
    resized = resize(graph, planar, _size(graph, crop), (side, side), cubic=face.cubic)
    state = {"resized": graph.cast(resized, np.uint8)}

    x, before = _full_size(graph, network, resized)
    for level in range(1, network.levels + 1):
        size = face.size >> level
        first, second = _blocks(network, f"down{level}.maxpool_conv.0")
        if level == 1:
            first = replace(first, expand=first.expand.after(before))
        x = _block(graph, _block(graph, x, first, 2 * size), second, size)
        state[f"skip_{size}"] = x
    fuse, _ = _blocks(network, "fuse_conv.0")
    state["bottom"] = _convolve(graph, x, _halves(fuse.expand)[0])
    for name, (dtype, shape) in face_state_shapes(network).items():
        graph.output(state[name], name, dtype, shape)
    return graph.model("face")


def build_render_program(network: GeneratorNetwork, *, parsing: bool = False) -> onnx.ModelProto:
    """The program window, crop, blend and face state -> patch (h, w, 3) uint8 BGR, the crop as it is written back.

    window: (16, F) float32. crop: (h, w, 3) uint8 BGR, the one that the state was made from. blend: () uint8, its place
    in `spec.BLENDS`. With `parsing` also keep: (h, w) uint8, not zero where the crop keeps its own pixels.
    """
    graph, spec = Graph(), network.spec
    window = graph.input("window", np.float32, (WINDOW, spec.audio.feature_size))
    crop = graph.input("crop", np.uint8, ("h", "w", 3))
    feathered = graph.cast(graph.input("blend", np.uint8, ()), np.bool_)
    keep = graph.input("keep", np.uint8, ("h", "w")) if parsing else None
    state = {name: graph.input(name, *kind) for name, kind in face_state_shapes(network).items()}
    resized = graph.cast(state["resized"], np.float32)

    heard = graph.op("Reshape", window, graph.integers(1, *spec.audio.window_shape))
    x = _bottleneck(graph, network, state["bottom"], _audio(graph, network, heard))
    for level in range(1, network.levels):
        size = spec.face.size >> (network.levels - level)
        first, second = _blocks(network, f"up{level}.conv")
        x = _joined(graph, x, state[f"skip_{size}"], first, size)
        x = _block(graph, x, second, size)

    hidden, before = _full_size(graph, network, resized)
    first, last = _blocks(network, f"up{network.levels}.conv")
    x = _joined(graph, x, hidden, first, spec.face.size, before)
    colours = Convolution.of("outc.conv", network.outc.conv)
    # The last block ends as colours: its input and its inner tensor both go there directly.
    start = _convolve(graph, x, colours.inputs(slice(0, first.project.channels_out), bias=False))
    last = replace(last, project=colours.after(last.project), residual=False)
    output = graph.op("Sigmoid", _block(graph, x, last, spec.face.size, start))

    patch = _written_back(graph, spec.face, output, resized, crop, feathered)
    if keep is not None:
        kept = graph.op("Unsqueeze", graph.cast(keep, np.bool_), graph.integers(2))
        patch = graph.op("Where", kept, crop, patch)
    graph.output(patch, "patch", np.uint8, ("h", "w", 3))
    return graph.model("render")


def build_network_program(network: GeneratorNetwork) -> onnx.ModelProto:
    """The network alone: image (n, 6, size, size) in [0, 1] and audio (n, *window_shape) -> face (n, 3, size, size)."""
    graph, spec = Graph(), network.spec
    size = spec.face.size
    image = graph.input("image", np.float32, ("n", 6, size, size))
    audio = graph.input("audio", np.float32, ("n", *spec.audio.window_shape))
    encoded = [_block(graph, image, Block.of(network, "inc.inconv.0"), size)]
    for level in range(1, network.levels + 1):
        first, second = _blocks(network, f"down{level}.maxpool_conv.0")
        x = _block(graph, encoded[-1], first, size >> (level - 1))
        encoded.append(_block(graph, x, second, size >> level))
    fuse, _ = _blocks(network, "fuse_conv.0")
    bottom = _convolve(graph, encoded.pop(), _halves(fuse.expand)[0])
    x = _bottleneck(graph, network, bottom, _audio(graph, network, audio))
    for level, skip in enumerate(reversed(encoded), start=1):
        first, second = _blocks(network, f"up{level}.conv")
        across = size >> (network.levels - level)
        x = _block(graph, _joined(graph, x, skip, first, across), second, across)
    colours = _convolve(graph, x, Convolution.of("outc.conv", network.outc.conv))
    graph.output(graph.op("Sigmoid", colours), "face", np.float32, ("n", 3, size, size))
    return graph.model("generator")


def face_state_shapes(network: GeneratorNetwork) -> dict[str, tuple[type, tuple[int, ...]]]:
    """The tensors of a face state by name, with their types and shapes.

    resized: the crop at the generator's size, planar. skip_<size>: what the image encoder gives to the decoder, except
    at full size. bottom: the image's half of the first convolution after the audio joins.
    """
    face = network.spec.face
    shapes: dict[str, tuple[type, tuple[int, ...]]] = {"resized": (np.uint8, (3, face.crop_size, face.crop_size))}
    for level in range(1, network.levels):
        size, (_, last) = face.size >> level, _blocks(network, f"down{level}.maxpool_conv.0")
        shapes[f"skip_{size}"] = (np.float32, (1, last.project.channels_out, size, size))
    size, (fuse, _) = face.size >> network.levels, _blocks(network, "fuse_conv.0")
    shapes["bottom"] = (np.float32, (1, fuse.expand.channels_out, size, size))
    return shapes


def _full_size(graph: Graph, network: GeneratorNetwork, resized: str) -> tuple[str, Convolution]:
    """The inner tensor of the image encoder's first block, and the projection that would have to follow."""
    face = network.spec.face
    inner = graph.op("Unsqueeze", _inner(graph, face, resized), graph.integers(0))
    inner = graph.op("Mul", inner, graph.number(1 / 255))
    x, y, width, height = face.mask
    visible = np.ones((face.size, face.size), np.float32)
    visible[y : y + height, x : x + width] = 0
    masked = graph.op("Mul", inner, graph.constant("visible", visible))
    # ONNX Runtime's fast layout takes no depthwise convolution of 12 channels; with zeros they are 16.
    block = Block.of(network, "inc.inconv.0").widened(BLOCK_CHANNELS)
    expanded = _convolve(graph, graph.op("Concat", inner, masked, axis=1), block.expand, relu=True)
    return _convolve(graph, expanded, block.depthwise, relu=True), block.project


def _audio(graph: Graph, network: GeneratorNetwork, x: str) -> str:
    model = network.audio_model
    for layer in ("conv1", "conv2"):
        x = _block(graph, x, Block.of(network, f"audio_model.{layer}"))
    x = _convolve(graph, x, Convolution.of("audio_model.conv3", model.conv3, model.bn3), relu=True)
    x = _block(graph, x, Block.of(network, "audio_model.conv4"))
    x = _convolve(graph, x, Convolution.of("audio_model.conv5", model.conv5, model.bn5), relu=True)
    for layer in ("conv6", "conv7"):
        x = _block(graph, x, Block.of(network, f"audio_model.{layer}"))
    return x


def _bottleneck(graph: Graph, network: GeneratorNetwork, image: str, audio: str) -> str:
    first, second = _blocks(network, "fuse_conv.0")
    heard = _convolve(graph, audio, _halves(first.expand)[1])
    x = _filtered(graph, lambda _: graph.op("Relu", graph.op("Add", heard, image)), first)
    for block in (second, *_blocks(network, "fuse_conv.1")):
        x = _block(graph, x, block)
    return x


def _joined(graph: Graph, x: str, skip: str, block: Block, size: int, before: Convolution | None = None) -> str:
    """A decoder level's first block: `x` at half its `size` is upsampled and joined with `skip`, after `before`."""
    below, beside = _halves(block.expand)
    if before is not None:
        beside = beside.after(before)

    narrow = below.weight.shape[1] <= NARROW
    if narrow:
        x = _upsampled(graph, x)

    def expanded(part: slice) -> str:
        lower = _convolve(graph, x, below.outputs(part))
        if not narrow:
            lower = _upsampled(graph, lower)
        return graph.op("Relu", graph.op("Add", lower, _convolve(graph, skip, beside.outputs(part))))

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


def _block(graph: Graph, x: str, block: Block, size: int = BOTTOM, start: str | None = None) -> str:
    """An inverted residual; `size` is its input's side, `start` something to add to the result."""

    def expanded(part: slice) -> str:
        return _convolve(graph, x, block.expand.outputs(part), relu=True)

    return _filtered(graph, expanded, block, size, x if block.residual else start)


def _filtered(
    graph: Graph, expanded: Callable[[slice], str], block: Block, size: int = BOTTOM, total: str | None = None
) -> str:
    """Depthwise convolution and projection of what `expanded` gives for a part of the inner channels, summed up.

    size: side of what `expanded` gives; from it follows how many channels are a part.
    """
    channels = block.depthwise.channels_out
    step = max(BLOCK_CHANNELS, PART_BYTES // (4 * size * size) // BLOCK_CHANNELS * BLOCK_CHANNELS)
    for begin in range(0, channels, step):
        part = slice(begin, min(begin + step, channels))
        filtered = _convolve(graph, expanded(part), block.depthwise.outputs(part), relu=True)
        projected = _convolve(graph, filtered, block.project.inputs(part, bias=begin == 0))
        total = projected if total is None else graph.op("Add", projected, total)
    assert total is not None
    return total


def _convolve(graph: Graph, x: str, convolution: Convolution, *, relu: bool = False) -> str:
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


def _written_back(graph: Graph, face: FaceSpec, output: str, resized: str, crop: str, feathered: str) -> str:
    """Network output (1, 3, size, size) in [0, 1] -> patch (h, w, 3) uint8, as `face.blend.write_back` makes it."""
    levels = graph.op("Mul", graph.op("Squeeze", output, graph.integers(0)), graph.number(255))
    matched = graph.op("Add", levels, _colour_shift(graph, face, resized, levels))
    matched = graph.op("Clip", graph.op("Round", matched), graph.number(0), graph.number(255))
    levels = graph.op("Where", feathered, matched, graph.op("Floor", levels))
    padded = graph.op("Pad", levels, graph.integers(*(0, face.margin, face.margin) * 2))
    rim = np.pad(np.zeros((face.size, face.size)), face.margin, constant_values=1)
    whole = graph.op("Add", padded, graph.op("Mul", resized, graph.constant("rim", rim)))
    side, size = graph.integers(face.crop_size), _size(graph, crop)
    painted = resize(graph, whole, (side, side), size, cubic=face.cubic)
    share = graph.op("Mul", *(_fade(graph, face, length, axis, feathered) for axis, length in enumerate(size)))
    own = graph.cast(graph.op("Transpose", crop, perm=[2, 0, 1]), np.float32)
    patch = graph.op("Add", own, graph.op("Mul", share, graph.op("Sub", painted, own)))
    return graph.op("Transpose", graph.cast(graph.op("Round", patch), np.uint8), perm=[1, 2, 0])


def _colour_shift(graph: Graph, face: FaceSpec, resized: str, levels: str) -> str:
    """`face.blend.colour_shift`, planar: (3, size, size)."""
    own, found = (_cells(graph, face, picture) for picture in (_inner(graph, face, resized), levels))
    cells = graph.op("Sub", graph.op("Div", own, found), graph.number(1))
    cells = graph.op("MatMul", cells, graph.constant("continuation", blend.continuation().T))
    cells = graph.op("Shrink", cells, bias=blend.UNSEEN, lambd=blend.UNSEEN)
    cells = graph.op("Reshape", cells, graph.integers(3, blend.CELLS, blend.CELLS))
    stretch = blend.stretching(face.size)
    wide = graph.op("MatMul", cells, graph.constant("stretching_across", stretch.T))
    shares = graph.op("MatMul", graph.constant("stretching_down", stretch), wide)
    return graph.op("Mul", shares, graph.op("Add", levels, graph.number(blend.LIFT)))


def _cells(graph: Graph, face: FaceSpec, picture: str) -> str:
    """Each cell's mean of a planar picture (3, size, size), lifted: (3, CELLS^2)."""
    cell = [face.size // blend.CELLS] * 2
    means = graph.op("AveragePool", graph.op("Unsqueeze", picture, graph.integers(0)), kernel_shape=cell, strides=cell)
    return graph.op("Reshape", graph.op("Add", means, graph.number(blend.LIFT)), graph.integers(3, -1))


def _fade(graph: Graph, face: FaceSpec, length: str, axis: int, feathered: str) -> str:
    """`face.blend.fade` along an axis of the planar crop, shaped to be multiplied with it; 1 if not `feathered`."""
    places = graph.op("Range", graph.number(0, np.int64), graph.op("Squeeze", length), graph.number(1, np.int64))
    scale = graph.op("Div", graph.number(face.crop_size, np.float64), graph.cast(length, np.float64))
    place = graph.op("Add", graph.cast(places, np.float32), graph.number(0.5))
    place = graph.op("Mul", place, graph.cast(scale, np.float32))
    depth = graph.op("Min", place, graph.op("Sub", graph.number(face.crop_size), place))
    way = graph.op("Sub", depth, graph.number(face.margin))
    way = graph.op("Div", way, graph.number(blend.FEATHER * face.size))
    way = graph.op("Clip", way, graph.number(0), graph.number(1))
    rest = graph.op("Sub", graph.number(3), graph.op("Mul", graph.number(2), way))
    share = graph.op("Mul", graph.op("Mul", way, way), rest)
    share = graph.op("Where", feathered, share, graph.number(1))
    return graph.op("Reshape", share, graph.integers(*((-1, 1), (1, -1))[axis]))


def _inner(graph: Graph, face: FaceSpec, resized: str) -> str:
    """The network's region (3, size, size) of the resized crop."""
    begin, end = face.margin, face.margin + face.size
    return graph.op("Slice", resized, graph.integers(begin, begin), graph.integers(end, end), graph.integers(1, 2))


def _size(graph: Graph, crop: str) -> tuple[str, str]:
    return graph.op("Shape", crop, start=0, end=1), graph.op("Shape", crop, start=1, end=2)


def _halves(convolution: Convolution) -> tuple[Convolution, Convolution]:
    """What each half of the input channels adds to the output; the bias is with the second."""
    channels = convolution.weight.shape[1]
    return (
        convolution.inputs(slice(0, channels // 2), bias=False),
        convolution.inputs(slice(channels // 2, channels), bias=True),
    )


def _blocks(network: GeneratorNetwork, path: str) -> tuple[Block, Block]:
    """The two folded blocks of the `DoubleConvDW` at `path`."""
    return Block.of(network, f"{path}.double_conv.0"), Block.of(network, f"{path}.double_conv.1")
