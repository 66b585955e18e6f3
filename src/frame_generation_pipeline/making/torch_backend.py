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
    """A generator's network in PyTorch on `device`; threads may call it at once, each on a CUDA stream of its own.

    Every frame is computed for itself, so that it has the same bits whatever is computed beside it.
    """

    def __init__(self, network: Network, device: str = "auto", concurrency: int | None = None) -> None:
        """concurrency: frames that are best made at once; without it one for each core beside a GPU that CUDA runs,
        which would wait for decoding, resizing and writing back, and otherwise one."""
        super().__init__(network.spec)
        self.device = choose_device(device)
        self.network = network.eval().to(self.device)
        self.concurrency = concurrency or (max(2, available_cores()) if self.device == "cuda" else 1)
        self._own = threading.local()
        if self.device == "cuda":
            torch.cuda.synchronize()  # other streams see the weights

    @classmethod
    def load(cls, path: str | Path, *, mode: str | None = None, device: str = "auto") -> "TorchGenerator":
        """A generator from a checkpoint; its kind is recognised, `mode` decides between `ave` and `hubert`.

        Raises MissingFileError, ModelError, and OptionError for an unknown mode or a device that is not there.
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
        """What this thread computes in."""
        if self.device != "cuda":
            return nullcontext()
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        return torch.cuda.stream(self._own.stream)


def load_network(path: str | Path, mode: str | None = None) -> Network:
    """The network in a checkpoint file, on the CPU, in evaluation mode.

    Raises MissingFileError, ModelError when the file is no generator or contradicts `mode`.
    """
    tensors = read_tensors(path)
    spec: GeneratorSpec = choose_spec(recognise_specs(tensors, path), path, mode)
    with torch.device("meta"):  # what a width in the file would take is allocated once everything fits
        check_fit(build_network(spec), tensors, path)
    network = build_network(spec)
    load_strict(network, tensors, path)
    return network.eval()


def choose_device(name: str) -> str:
    """`name`, or for "auto" the best that this machine has; the CPU's threads become no more than there are cores.

    Raises OptionError for an unknown device or one that is not available.
    """
    torch.set_num_threads(min(torch.get_num_threads(), available_cores()))
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if available[device])
    check_choice("device", name, DEVICES)
    if not available[name]:
        raise OptionError(f"device {name!r} is not available on this machine; use auto or cpu")
    return name
