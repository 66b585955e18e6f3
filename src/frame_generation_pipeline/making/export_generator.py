"""Export a generator's network as one ONNX graph, after checking that it agrees with PyTorch."""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.making.graph import OPSET
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.programs import build_network_program
from frame_generation_pipeline.runtime.onnx_session import open_session

TOLERANCE = 1e-4  # largest difference of any output value, in [0, 1], between PyTorch and ONNX Runtime
RANDOM_BATCH = 2  # more than one, to try the free batch dimension too

logger = logging.getLogger(__name__)
NetworkInput = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # (n, 6, size, size), (n, *window_shape)


def export_generator(
    network: Network, path: str | Path, *, opset_version: int = OPSET, inputs: Iterable[NetworkInput] = ()
) -> float:
    """Write `network` as ONNX: inputs `image` (n, 6, size, size) and `audio` (n, *window_shape), output `face`.

    The file is compared with the network on random input and on `inputs`. Returns the largest difference. An
    `opset_version` below 17, the oldest that is supported, gives 17 and a warning.

    Raises ModelError, and leaves no file, if any value differs by more than TOLERANCE; OutputError.
    """
    path = Path(path)
    network = network.eval().cpu()
    spec = network.spec
    draw = np.random.default_rng(0)
    image = draw.random((RANDOM_BATCH, 6, spec.face.size, spec.face.size), np.float32)
    audio = draw.standard_normal((RANDOM_BATCH, *spec.audio.window_shape), np.float32)
    model = build_network_program(network)
    if opset_version < OPSET:
        logger.warning("%s: written for ONNX opset %d, for %d is too old", path, OPSET, opset_version)
    elif opset_version > OPSET:
        model = onnx.version_converter.convert_version(model, opset_version)
    with complete_file(path) as temporary:
        onnx.save(model, temporary)
        session = open_session(temporary)
        differences = []
        for real_image, real_audio in ((image, audio), *inputs):
            (exported,) = session.run(None, {"image": real_image, "audio": real_audio})
            with torch.inference_mode():
                expected = network(torch.from_numpy(real_image), torch.from_numpy(real_audio)).numpy()
            differences.append(np.abs(exported - expected).max())
        largest = float(np.max(differences))
        if not largest <= TOLERANCE:  # also if it is NaN
            raise ModelError(f"{path}: not written, ONNX and PyTorch differ by {largest:.2g} (at most {TOLERANCE:g})")
    return largest
