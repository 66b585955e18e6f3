"""ONNX Runtime sessions: providers by name, threads, and one clear error for a file that is no model."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort

from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError

MOST_FOLDED = 64 * 2**20  # bytes
DEFAULT_PROVIDERS = ("CPUExecutionProvider",)


def open_session(
    model: str | Path | bytes, *, providers: Sequence[str] | None = None, threads: int | None = None
) -> ort.InferenceSession:
    """A session for a model file or its bytes.

    providers: execution providers in order of preference, as ONNX Runtime names them; the CPU by default.
    threads: threads inside one operator; None leaves the choice to ONNX Runtime (all cores).

    Raises MissingFileError, ModelError for an unreadable model, OptionError for a provider that is not available.
    """
    name = "the model" if isinstance(model, bytes) else str(model)
    if not isinstance(model, bytes) and not Path(model).is_file():
        raise MissingFileError(f"{model}: no such ONNX file")
    providers = list(providers or DEFAULT_PROVIDERS)
    available = ort.get_available_providers()
    for provider in providers:
        if provider not in available:
            raise OptionError(f"execution provider {provider!r} is not available; this machine has {available}")
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only; what matters is raised
    # What a program computes of constants alone is computed when it is opened, and would fill the memory first.
    options.add_session_config_entry("optimization.constant_folding_max_output_size_in_bytes", str(MOST_FOLDED))
    options.enable_mem_pattern = False  # it takes a second set of memory and saves no time here
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = ort.InferenceSession(
            model if isinstance(model, bytes) else str(model), sess_options=options, providers=providers
        )
    except Exception as error:  # ONNX Runtime raises its own, undocumented classes
        reason = "".join(c if c.isprintable() else "?" for c in (str(error).splitlines() or ["unknown"])[0][:200])
        raise ModelError(f"{name}: not a model that ONNX Runtime can run ({reason}); export it again") from error
    session._model_bytes = None  # kept for a later change of providers, which nobody makes; as large as the weights
    return session
