"""The reference backend: PyTorch, bit-faithful to the original programs."""

import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.errors import OptionError, check_choice
from frame_generation_pipeline.generator.protocol import NetworkGenerator
from frame_generation_pipeline.making.checkpoint import (
    check_fit,
    choose_spec,
    load_strict,
    read_tensors,
    recognise_specs,
)
from frame_generation_pipeline.making.networks import Network, build_network
from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.spec import GeneratorSpec

DEVICES = ("auto", "cpu", "cuda", "mps")


class TorchGenerator(NetworkGenerator):
    """A generator's network in PyTorch on `device`. Several threads may call it, each with its own CUDA stream.

    Each frame is computed by itself, so its bits do not depend on other frames.
    """

    def __init__(self, network: Network, device: str = "auto", concurrency: int | None = None) -> None:
        """concurrency: how many frames are best rendered at once. By default one; with CUDA one for each core, because
        the GPU would wait for decoding, resizing and writing back."""
        super().__init__(network.spec)
        self.device = choose_device(device)
        self.network = network.eval().to(self.device)
        self.concurrency = concurrency or (max(2, available_cores()) if self.device == "cuda" else 1)
        self._own = threading.local()
        if self.device == "cuda":
            torch.cuda.synchronize()  # so that other streams see the weights

    @classmethod
    def load(cls, path: str | Path, *, mode: str | None = None, device: str = "auto") -> "TorchGenerator":
        """Load a checkpoint, whose kind is recognised; `mode` decides between `ave` and `hubert`.

        Raises MissingFileError; ModelError; OptionError for an unknown mode or a device that is not available.
        """
        device = choose_device(device)
        return cls(load_network(path, mode), device)

    def encode_image(self, image: npt.NDArray[np.float32]) -> list[torch.Tensor]:
        """See `NetworkGenerator.encode_image`."""
        with torch.inference_mode(), self._stream():
            return self.network.encode_image(torch.from_numpy(image).to(self.device))

    def run(self, encoded: list[torch.Tensor], audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See `NetworkGenerator.run`."""
        with torch.inference_mode(), self._stream():
            output = self.network.render(encoded, torch.from_numpy(audio).to(self.device)).cpu()
        return np.asarray(output.numpy(), np.float32)

    def _stream(self) -> AbstractContextManager[object]:
        """The CUDA stream of this thread, as a context to compute in."""
        if self.device != "cuda":
            return nullcontext()
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        return torch.cuda.stream(self._own.stream)


def load_network(path: str | Path, mode: str | None = None) -> Network:
    """Load the network of a checkpoint, on the CPU, in evaluation mode.

    Raises MissingFileError; ModelError if the file is no generator or not one for `mode`.
    """
    tensors = read_tensors(path)
    spec: GeneratorSpec = choose_spec(recognise_specs(tensors, path), path, mode)
    with torch.device("meta"):  # memory for the file's widths is allocated only after all tensors fit
        check_fit(build_network(spec), tensors, path)
    network = build_network(spec)
    load_strict(network, tensors, path)
    return network.eval()


def choose_device(name: str) -> str:
    """Choose the device `name`, for "auto" the best of this machine, and limit PyTorch's threads to the cores.

    Raises OptionError for a device that is unknown or not available.
    """
    torch.set_num_threads(min(torch.get_num_threads(), available_cores()))
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if available[device])
    check_choice("device", name, DEVICES)
    if not available[name]:
        raise OptionError(f"device {name!r} is not available on this machine; use auto or cpu")
    return name
