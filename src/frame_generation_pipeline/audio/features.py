"""Audio features, one for each video frame: read and write them, and cut the windows that the generator sees."""

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.errors import FeatureError, MissingFileError, OutputError
from frame_generation_pipeline.files.json_file import read_json
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.spec import AUDIO_SPECS, WINDOW, AudioSpec

_CHECKED_ROWS = 1024  # rows checked at once, so that checking a mapped file takes little memory


@dataclass(frozen=True, eq=False)
class AudioFeatures:
    """All features of a recording; `len()` is their number N.

    values: `(N, *spec.feature_shape)` float32, N >= 1, finite; may be mapped from a file.
    Raises FeatureError for other values.
    """

    values: npt.NDArray[np.float32]
    spec: AudioSpec

    def __post_init__(self) -> None:
        values, expected = self.values, self.spec.feature_shape
        if values.dtype != np.float32 or values.shape[1:] != expected or not len(values):
            raise FeatureError(
                f"{values.dtype} values of shape {values.shape} are no {self.spec.name} features;"
                f" expected float32 of shape (1 or more, {', '.join(map(str, expected))})"
            )
        _check_finite(values)

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def load(cls, path: str | Path, spec: AudioSpec | None = None) -> "AudioFeatures":
        """Map the features of a `.npy` file, or of a raw little-endian float32 `.bin` beside its `.bin.json`.

        Without `spec`, the number of values in a feature determines the type. Other float types than float32 are
        converted in memory. Nothing is unpickled. Raises MissingFileError; FeatureError for a file that cannot be read,
        contradicts `spec` or holds no features.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f"{path}: no such feature file; give a .npy, or a .bin beside its .bin.json")
        try:
            return cls(*_recognise(_map_file(path), spec))
        except FeatureError as error:
            raise FeatureError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write `.npy`, or `.bin` and its `.bin.json`, by the suffix; a file gets its name when it is complete.

        Raises OutputError for another suffix or if the file cannot be written.
        """
        path = Path(path)
        if path.suffix not in (".npy", ".bin"):
            raise OutputError(f"{path}: unknown kind of feature file; end its name with .npy or .bin")
        with complete_file(path) as temporary, temporary.open("wb") as file:
            if path.suffix == ".npy":
                np.save(file, self.values, allow_pickle=False)
            else:
                self.values.astype("<f4", copy=False).tofile(file)
        if path.suffix == ".bin":
            shape = {"num_frames": len(self), "feature_size": self.spec.feature_size, "shape": self.values.shape}
            with complete_file(_sidecar(path)) as temporary:
                temporary.write_text(json.dumps(shape) + "\n")

    def windows(self, count: int | None = None, start: int = 0) -> Iterator[Window]:
        """Yield the windows `(16, F)` of `count` frames from `start` on; by default up to the last feature."""
        for index in range(start, len(self) if count is None else start + count):
            yield feature_window(self.values, index, self.spec)


@dataclass(frozen=True, eq=False)
class FeatureWindows:
    """Windows that are cut already, one for each video frame, as ports of SyncTalk_2D take them.

    values: (N, 16, F) float32, N >= 1, finite; may be mapped from a file. Raises FeatureError if they are not finite.
    """

    values: npt.NDArray[np.float32]
    spec: AudioSpec

    def __post_init__(self) -> None:
        _check_finite(self.values)

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def load(cls, path: str | Path, spec: AudioSpec) -> "FeatureWindows | AudioFeatures":
        """Load windows of `spec`, 16 F values for each frame, or features if the file has F. See `AudioFeatures.load`.

        The type must be known, because a window of one type can have as many values as a feature of another.
        """
        path = Path(path)
        if path.is_file():
            try:
                values = _map_file(path)
                if values.dtype.kind == "f" and prod(values.shape[1:]) == WINDOW * spec.feature_size:
                    with np.errstate(over="ignore"):
                        values = values.astype(np.float32, copy=False).reshape(-1, WINDOW, spec.feature_size)
                    return cls(values, spec)
            except FeatureError as error:
                raise FeatureError(f"{path}: {error}") from error
        return AudioFeatures.load(path, spec)

    def windows(self, count: int | None = None, start: int = 0) -> Iterator[Window]:
        """As `AudioFeatures.windows`; zeros beyond the last window."""
        for index in range(start, len(self) if count is None else start + count):
            yield self.values[index] if index < len(self) else np.zeros(self.values.shape[1:], np.float32)


def feature_window(values: npt.NDArray[np.float32], index: int, spec: AudioSpec) -> Window:
    """The window that the generator sees for frame `index`: the features index - `before` to index + `ahead` of `spec`.

    values: `(N, ...)`. Returns `(16, F)` float32, with flattened features and zeros beyond the ends of `values`. Any
    index is allowed.
    """
    first = index - spec.before
    rows = values[max(first, 0) : max(first + WINDOW, 0)]
    window = np.zeros((WINDOW, prod(values.shape[1:])), np.float32)
    offset = max(-first, 0)
    window[offset : offset + len(rows)] = rows.reshape(len(rows), window.shape[1])
    return window


def network_window(window: Window, spec: AudioSpec) -> npt.NDArray[np.float32]:
    """Reshape a window `(16, F)` for the network: `(1, *spec.window_shape)` float32, row-major.

    Raises FeatureError if it is no window of `spec`.
    """
    if window.shape != (WINDOW, spec.feature_size):
        raise FeatureError(f"a window of shape {window.shape}; {spec.name} has {(WINDOW, spec.feature_size)}")
    return np.ascontiguousarray(window, np.float32).reshape(1, *spec.window_shape)


def _recognise(values: npt.NDArray[Any], spec: AudioSpec | None) -> tuple[npt.NDArray[np.float32], AudioSpec]:
    """The values as float32 in the shape of `spec`, by default the type with as many values in a feature."""
    if values.dtype.kind != "f":
        raise FeatureError(f"holds {values.dtype} values; expected float32, so extract the features again")
    candidates = (spec,) if spec else tuple(AUDIO_SPECS.values())
    for candidate in candidates:
        if _fits(values.shape, candidate):
            with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite and is refused
                return values.astype(np.float32, copy=False).reshape(-1, *candidate.feature_shape), candidate
    expected = " or ".join(f"{known.name} (N, {', '.join(map(str, known.feature_shape))})" for known in candidates)
    raise FeatureError(f"holds values of shape {values.shape}; expected {expected}")


def _fits(shape: tuple[int, ...], spec: AudioSpec) -> bool:
    """Whether an array of this shape holds features of `spec`, perhaps flattened or folded."""
    flat = len(spec.feature_shape) == 1
    return prod(shape[1:]) == spec.feature_size and (flat or shape[1:] in (spec.feature_shape, (spec.feature_size,)))


def _check_finite(values: npt.NDArray[Any]) -> None:
    for row in range(0, len(values), _CHECKED_ROWS):
        if not np.isfinite(values[row : row + _CHECKED_ROWS]).all():
            raise FeatureError("holds values that are not finite numbers; extract the features again")


def _map_file(path: Path) -> npt.NDArray[Any]:
    try:
        if path.suffix == ".npy":
            with warnings.catch_warnings():  # about headers of Python 2
                warnings.simplefilter("ignore")
                return np.lib.format.open_memmap(path, mode="r")
        if path.suffix == ".bin":
            described = read_json(_sidecar(path))
            shape, full_shape = (described["num_frames"], described["feature_size"]), described["shape"]
            if not all(type(length) is int and 0 < length < 2**40 for length in (*shape, *full_shape)):
                raise ValueError("its description has lengths that are no whole numbers")
            if not path.stat().st_size == 4 * prod(shape) == 4 * prod(full_shape):
                raise ValueError(f"its size does not agree with {shape[0]} features of {shape[1]} values")
            return np.memmap(path, "<f4", mode="r", shape=shape)
    except Exception as error:  # the header of a .npy is Python syntax, whose reader raises anything
        raise FeatureError(f"not readable ({_first_line(error)}); extract the features again") from error
    raise FeatureError("unknown kind of feature file; expected .npy, or .bin beside its .bin.json")


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _first_line(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return "".join(letter if letter.isprintable() else "?" for letter in text)
