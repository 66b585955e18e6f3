"""The optional dependencies: one error for whoever needs an extra and has not installed it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from frame_generation_pipeline.errors import OptionError

EXTRAS = {  # what each brings, by the names of its modules
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
    """For imports from one of `EXTRAS`; `what` begins the message, and names the file where there is one.

    Raises OptionError when one of its packages is not installed.
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
    """For imports from the extra `[train]`, see `needing_extra`."""
    return needing_extra("train", what)
