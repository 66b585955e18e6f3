"""Open ONNX Runtime sessions, with providers by name and one clear error for a file that is no model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError, quoted
from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.runtime.onnx_checks import problem_of
from frame_generation_pipeline.runtime.onnx_schema import is_as_written, parse_model, written_model

MOST_FOLDED = 64 * 2**20  # bytes
MOST_FILE = 2**30  # bytes of an ONNX file
DEFAULT_PROVIDERS = ("CPUExecutionProvider",)


class Session:
    """A model that ONNX Runtime runs; its errors become one line. Several threads may call it."""

    def __init__(self, session: ort.InferenceSession, name: str) -> None:
        self._session, self._name = session, name
        self.threads: int = session.get_session_options().intra_op_num_threads

    def get_inputs(self) -> list[Any]:
        """Names, types and shapes of its inputs, as ONNX Runtime states them."""
        return list(self._session.get_inputs())

    def get_outputs(self) -> list[Any]:
        """Names, types and shapes of its outputs."""
        return list(self._session.get_outputs())

    def get_providers(self) -> list[str]:
        """The execution providers that run it, in order of preference."""
        return list(self._session.get_providers())

    def run(self, names: Sequence[str] | None, inputs: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Compute the outputs `names`; None: all of them. Raises ModelError for all errors of ONNX Runtime."""
        try:
            return [np.asarray(value) for value in self._session.run(names, inputs)]
        except Exception as error:  # ONNX Runtime raises its own, undocumented classes, and Python's
            raise ModelError(
                f"{self._name}: failed while it ran ({quoted(error)}); free memory, or export the model again"
            ) from error


def open_session(
    model: str | Path | bytes, *, providers: Sequence[str] | None = None, threads: int | None = None
) -> Session:
    """Open a session for a model file, which is checked first (see `problem_of`), or for checked bytes.

    ONNX Runtime gets bytes that are written anew from the checked model, because readers may interpret one file
    differently.

    providers: execution providers in order of preference, as ONNX Runtime names them; the CPU by default.
    threads: threads inside one operator; by default one for each core that this process may use.

    Raises MissingFileError, ModelError for an unreadable model, OptionError for a provider that is not available.
    """
    name = "the model" if isinstance(model, bytes) else str(model)
    providers = list(providers or DEFAULT_PROVIDERS)
    available = ort.get_available_providers()
    for provider in providers:
        if provider not in available:
            raise OptionError(f"execution provider {provider!r} is not available; this machine has {available}")
    program = model if isinstance(model, bytes) else checked_program(Path(model))
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only; what matters is raised
    # Opening a program computes everything that depends on constants alone, which could fill the memory.
    options.add_session_config_entry("optimization.constant_folding_max_output_size_in_bytes", str(MOST_FOLDED))
    options.enable_mem_pattern = False  # it takes twice the memory and saves no time here
    options.intra_op_num_threads = threads or available_cores()
    try:
        session = ort.InferenceSession(program, sess_options=options, providers=providers)
    except Exception as error:  # ONNX Runtime raises its own, undocumented classes
        raise ModelError(f"{name}: not a model that ONNX Runtime can run ({quoted(error)}); export it again") from error
    session._model_bytes = None  # only needed to change providers later; as large as the weights
    return Session(session, name)


def checked_program(path: Path) -> bytes:
    """Check the ONNX file `path`; returns its bytes as protobuf writes them. Raises MissingFileError, ModelError."""
    if not path.is_file():
        raise MissingFileError(f"{path}: no such ONNX file")
    if path.stat().st_size > MOST_FILE:
        raise ModelError(f"{path}: has more than {MOST_FILE} bytes; export it again")
    try:
        data = path.read_bytes()
        model = parse_model(data)
        problem = problem_of(model, data)
        program = data if is_as_written(model, data) else written_model(parse_model(data))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the file's rights") from error
    except ValueError as error:  # texts that are no UTF-8 among them
        raise ModelError(f"{path}: is no ONNX model ({quoted(error)}); export it again") from error
    if problem:
        raise ModelError(f"{path}: {problem}; export it again")
    return program
