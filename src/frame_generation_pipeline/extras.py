"""The optional dependencies, and the error for an extra that is needed and not installed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from frame_generation_pipeline.errors import OptionError

EXTRAS = {  # the modules of each extra
    "coreml": ("coremltools",),
    "train": ("torch", "onnx", "safetensors", "jinja2", "matplotlib"),
    "ray": ("ray",),
    "say": ("hibari",),
    "serve": (
        "aiortc",
        "fastapi",
        "prometheus_client",
        "pydantic",
        "python_multipart",
        "starlette",
        "uvicorn",
        "websockets",
    ),
}


@contextmanager
def needing_extra(extra: str, what: str) -> Iterator[None]:
    """Use it around imports from one of `EXTRAS`. what: the beginning of the message; it names the file if any.

    Raises OptionError if one of the extra's packages is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS[extra]:
            raise
        raise OptionError(
            f"{what} needs {missing}, which is not installed; run pip install 'frame-generation-pipeline[{extra}]'"
        ) from error


def needing_train_extra(what: str) -> AbstractContextManager[None]:
    """Use it around imports from the extra `[train]`; see `needing_extra`."""
    return needing_extra("train", what)
