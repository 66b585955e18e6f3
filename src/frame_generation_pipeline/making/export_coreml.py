"""Export a generator's network as two Core ML programs, after checking that they agree with PyTorch.

As in an avatar package, one program computes everything that depends on the template frame alone. The programs hold
the network only: hosts cut, resize and write back with the plain programs, which are ONNX files without weights.
"""

import gc
import io
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.making.coreml_program import CoreMLProgram
from frame_generation_pipeline.making.export_generator import NetworkInput
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.package_writer import complete_package
from frame_generation_pipeline.media.psnr import psnr

FACE, RENDER = "face.mlpackage", "render.mlpackage"  # names in the folder
LOWEST_PSNR = 50.0  # dB, of the network's faces; float16 rounds to 1/2048 of a value


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the converter's messages about progress, versions and features of Apple systems."""
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


with _quiet():
    import coremltools


class FaceNetwork(nn.Module):
    """image (1, 6, size, size) -> the image encoder's tensors that the decoder joins, except that of full size."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Compute the tensors, from large to small."""
        size = self.network.spec.face.size
        return tuple(tensor for tensor in self.network.encode_image(image) if tensor.shape[-1] < size)


class RenderNetwork(nn.Module):
    """The tensors of `FaceNetwork` and audio (1, *window_shape) -> face (1, 3, size, size) in [0, 1]."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, state: list[Tensor], audio: Tensor, image: Tensor | None = None) -> Tensor:
        """Compute the face. image: the network's input, from which a U-Net computes the full-size tensor again."""
        if isinstance(self.network, GeneratorNetwork):
            state = [self.network.inc(image), *state]
        return self.network.render(state, audio)


def export_coreml(network: Network, folder: Path, *, inputs: Iterable[NetworkInput] = ()) -> float:
    """Write `network` into the new folder `folder`: `face.mlpackage` and `render.mlpackage`, for iOS 16 and macOS 13.

    face: `image` (1, 6, size, size) -> `skip_<side>` of each size. render: these tensors, `audio` (1, *window_shape)
    and, except for the mobile network, `image` -> `face` (1, 3, size, size). Inputs and outputs are float32; weights
    and computation are float16.

    The written programs are run with NumPy and compared with the network, on random input and on `inputs`. Returns the
    PSNR in dB of the faces, whose values are in [0, 1].

    Raises ModelError, and leaves no file, below LOWEST_PSNR; OutputError, also if the folder exists.
    """
    network = network.eval().cpu()
    spec = network.spec
    draw = np.random.default_rng(0)
    image = draw.random((1, 6, spec.face.size, spec.face.size), np.float32)
    audio = draw.standard_normal((1, *spec.audio.window_shape), np.float32)
    with complete_package(folder) as temporary:
        _convert(network, torch.from_numpy(image), torch.from_numpy(audio), temporary)
        face, render = (CoreMLProgram.open(temporary / name) for name in (FACE, RENDER))
        error = max(_error(network, face, render, pair) for pair in ((image, audio), *inputs))
        agreement = psnr(error, peak=1)
        if not agreement >= LOWEST_PSNR:  # also if it is NaN
            raise ModelError(
                f"{folder}: not written, Core ML and PyTorch agree to {agreement:.1f} dB (at least {LOWEST_PSNR:g})"
            )
    return agreement


def _convert(network: Network, image: Tensor, audio: Tensor, folder: Path) -> None:
    """Write both packages."""
    with _quiet(), torch.no_grad():
        face = FaceNetwork(network)
        state = face(image)
        names = [f"skip_{tensor.shape[-1]}" for tensor in state]
        _write(face, {"image": image}, names, folder / FACE)
        inputs = dict(zip(names, state, strict=True)) | {"audio": audio}
        if isinstance(network, GeneratorNetwork):
            inputs["image"] = image
        _write(RenderNetwork(network), inputs, ["face"], folder / RENDER)
        gc.collect()  # else the collector would remove the converter's folders later, with warnings


def _write(module: FaceNetwork | RenderNetwork, examples: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    """Convert `module`, whose inputs are `given`, by name, in the order of its arguments."""
    arguments: tuple[object, ...] = tuple(examples.values())
    if isinstance(module, RenderNetwork):
        state = [tensor for name, tensor in examples.items() if name.startswith("skip_")]
        arguments = (state, *arguments[len(state) :])
    exported = torch.export.export(module.eval(), arguments).run_decompositions({})
    converted = coremltools.convert(
        exported,
        inputs=[
            coremltools.TensorType(name=name, shape=tuple(tensor.shape), dtype=np.float32)
            for name, tensor in examples.items()
        ],
        outputs=[coremltools.TensorType(name=name, dtype=np.float32) for name in outputs],
        convert_to="mlprogram",
        minimum_deployment_target=coremltools.target.iOS16,
        compute_precision=coremltools.precision.FLOAT16,
        skip_model_load=True,
    )
    converted.short_description = f"SyncTalk_2D generator {module.network.spec.name}"
    converted.save(str(path))
    (path / "executorch_debug_handle_mapping.json").unlink(missing_ok=True)  # for debuggers; not part of the package


def _error(network: Network, face: CoreMLProgram, render: CoreMLProgram, inputs: NetworkInput) -> float:
    """Mean squared error of the programs' faces against the network's, one input after the other."""
    squares = []
    for image, audio in zip(*inputs, strict=True):
        values = {"image": image[None], "audio": audio[None]}
        values |= face.run({"image": values["image"]})
        output = render.run({name: values[name] for name in render.inputs})["face"]
        with torch.inference_mode():
            expected = network(torch.from_numpy(values["image"]), torch.from_numpy(values["audio"])).numpy()
        squares.append(float(np.mean((output - expected) ** 2)))
    return float(np.mean(squares))
