"""Compute fingerprints: a later run resumes from partial output only if the two fingerprints are equal."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from frame_generation_pipeline.errors import MissingFileError


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises MissingFileError, also for a folder, pipe or device."""
    if not Path(path).is_file():  # reading a pipe would wait for ever
        raise MissingFileError(f"{path}: expected a file, found none; check the path")
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingFileError(
            f"{path}: expected a file that can be read ({error.strerror}); check the path"
        ) from error


def fingerprint_of(*parts: object) -> str:
    """SHA-256 of the parts' representations, in hexadecimal."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def describe_versions() -> dict[str, Any]:
    """The versions of this package and of the libraries whose rounding affects the frames."""
    return {
        "program": version("frame-generation-pipeline"),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "opencv": cv2.__version__,
    }
