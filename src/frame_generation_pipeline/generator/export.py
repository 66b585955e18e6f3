"""Export of a generator to one ONNX graph, which must agree with PyTorch before it gets its name."""

import logging
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.errors import ModelError, OptionError
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.output import complete_file

from .network import GeneratorNetwork
from .onnx_session import open_session

OPSET = 18
OLDEST_OPSET = 17
TOLERANCE = 1e-4  # largest difference of any output value, in [0, 1], between PyTorch and ONNX Runtime
RANDOM_BATCH = 2  # more than one, so that the free batch dimension is tried too

NetworkInput = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # (n, 6, size, size), (n, *window_shape)


def export_generator(
    network: GeneratorNetwork, path: str | Path, *, opset_version: int = OPSET, inputs: Iterable[NetworkInput] = ()
) -> float:
    """Write `network` as ONNX: inputs `image` (n, 6, size, size) and `audio` (n, *window_shape), output `face`.

    The file is compared with the network on random input and on `inputs`, real ones where the caller has some.
    Returns the largest difference found.

    Raises ModelError, and leaves no file, when any value differs by more than TOLERANCE; OptionError for an opset below
    OLDEST_OPSET or without the extra `[train]`; OutputError.
    """
    if opset_version < OLDEST_OPSET:
        raise OptionError(f"ONNX opset {opset_version} is too old for this network; use {OLDEST_OPSET} or newer")
    path = Path(path)
    with needing_train_extra(f"{path}: the export"):
        import onnxscript  # noqa: F401  # PyTorch's exporter needs it
    network = network.eval().cpu()
    spec = network.spec
    draw = np.random.default_rng(0)
    image = draw.random((RANDOM_BATCH, 6, spec.face.size, spec.face.size), np.float32)
    audio = draw.standard_normal((RANDOM_BATCH, *spec.audio.window_shape), np.float32)
    with complete_file(path) as temporary:
        _write(network, (torch.from_numpy(image), torch.from_numpy(audio)), temporary, opset_version)
        session = open_session(temporary)
        differences = []
        for real_image, real_audio in ((image, audio), *inputs):
            (exported,) = session.run(None, {"image": real_image, "audio": real_audio})
            with torch.inference_mode():
                expected = network(torch.from_numpy(real_image), torch.from_numpy(real_audio)).numpy()
            differences.append(np.abs(exported - expected).max())
        largest = float(np.max(differences))
        if not largest <= TOLERANCE:  # also when it is NaN
            raise ModelError(f"{path}: not written, ONNX and PyTorch differ by {largest:.2g} (at most {TOLERANCE:g})")
    return largest


def _write(network: GeneratorNetwork, example: tuple[torch.Tensor, ...], path: Path, opset_version: int) -> None:
    """PyTorch's exporter, without its remarks on its own deprecations and on packages that it can do without."""
    batch = torch.export.Dim("batch")
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                example,
                str(path),
                input_names=["image", "audio"],
                output_names=["face"],
                opset_version=opset_version,
                dynamic_shapes={"image": {0: batch}, "audio": {0: batch}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        exporter_log.setLevel(level)
