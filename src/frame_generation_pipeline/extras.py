"""The optional dependencies: one error for whoever needs the extra `[train]` and has not installed it."""

from collections.abc import Iterator
from contextlib import contextmanager

from frame_generation_pipeline.errors import OptionError

_TRAIN = ("torch", "onnx", "safetensors", "jinja2", "matplotlib")  # what the extra brings


@contextmanager
def needing_train_extra(what: str) -> Iterator[None]:
    """For imports from the extra `[train]`; `what` begins the message and names the file.

    Raises OptionError when one of its packages is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _TRAIN:
            raise
        raise OptionError(
            f"{what} needs {missing}, which is not installed; run pip install 'frame-generation-pipeline[train]'"
        ) from error
