"""Why a package is refused: the reading code says what is wrong, the error's one line says where and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frame_generation_pipeline.errors import PackageError

_LONGEST = 200  # characters of something from a package that are shown


class Refusal(Exception):
    """What is wrong inside of a package and what was expected; `refusing` turns it into a PackageError."""


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Raise PackageError naming the package `path` for each Refusal and for files that the system does not read."""
    try:
        yield
    except Refusal as refusal:
        raise PackageError(f"{path}: {refusal}; pack or download the avatar again") from refusal
    except OSError as error:
        raise PackageError(f"{path}: cannot be read ({error.strerror or error}); check the file's rights") from error


def shown(value: object) -> str:
    """Something from a package, quoted for a message: one line, no control characters, not too long."""
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
