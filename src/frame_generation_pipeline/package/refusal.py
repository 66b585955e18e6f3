"""Refuse a package: readers say what is wrong, and one line of the error adds the path and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frame_generation_pipeline.errors import PackageError

_LONGEST = 200  # characters of a package's text that a message shows


class Refusal(Exception):
    """Says what is wrong in a package and what was expected; `refusing` turns it into a PackageError."""


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn Refusal, and OSError of reading files, into a PackageError that names the package `path`."""
    try:
        yield
    except Refusal as refusal:
        raise PackageError(f"{path}: {refusal}; pack or download the avatar again") from refusal
    except OSError as error:
        raise PackageError(f"{path}: cannot be read ({error.strerror or error}); check the file's rights") from error


def shown(value: object) -> str:
    """Quote a value from a package for a message: one line, no control characters, not too long."""
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
