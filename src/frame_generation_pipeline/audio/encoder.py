"""The audio program, which turns samples into features, and the class that runs it with ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio.blocks import BLOCKS
from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.runtime.isolated import IsolatedProcess
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.spec import AudioSpec
from frame_generation_pipeline.weights import AUDIO_PROGRAMS

_ENDS = {  # inputs and outputs of an audio program: element type and shape, with None for lengths that vary
    "samples": ("tensor(float)", [None]),
    "first": ("tensor(int64)", []),
    "count": ("tensor(int64)", []),
    "features": ("tensor(float)", [None, None]),
}


class AudioProgram(Protocol):
    """Turns samples into features; the same arguments give the same bits."""

    @property
    def spec(self) -> AudioSpec:
        """The type of its features."""

    def features(self, samples: Samples, first: int, count: int) -> Features:
        """Compute the features (m, F) float32 first, first + 1, ... of samples (L,) float32 at 16 kHz, L >= 1.

        Audio of these samples has n features (`Blocks.total`); m = max(0, min(count, n - first)), first >= 0.
        """


class OnnxAudioProgram:
    """Runs an audio program in an ONNX file or in bytes, from `export_encoder` or built-in.

    It runs on one thread, because splitting a product can change its rounding and gains no time. providers: see
    `open_session`. process: see `ProgramGenerator`. Raises the errors of `open_session`; ModelError for a model that is
    no audio program.
    """

    def __init__(
        self,
        model: str | Path | bytes,
        *,
        providers: Sequence[str] | None = None,
        process: IsolatedProcess | None = None,
    ) -> None:
        self._session = process.open(model) if process else open_session(model, providers=providers, threads=1)
        ports = {
            value.name: (value.type, [size if isinstance(size, int) else None for size in value.shape])
            for value in self._session.get_inputs() + self._session.get_outputs()
        }
        size = ports.get("features", ("", []))[1][-1:]
        specs = [spec for spec in BLOCKS if [spec.feature_size] == size]
        if specs:
            ports["features"] = (ports["features"][0], [*ports["features"][1][:-1], None])
        if ports != _ENDS or not specs:
            name = "the model" if isinstance(model, bytes) else str(model)
            raise ModelError(
                f"{name}: no audio program, it has {', '.join(ports)}; expected {', '.join(_ENDS)}"
                " as `framegen export` writes for an audio encoder's checkpoint"
            )
        self.spec = specs[0]

    def features(self, samples: Samples, first: int, count: int) -> Features:
        """See `AudioProgram.features`."""
        expected = max(0, min(count, BLOCKS[self.spec].total(len(samples)) - first))
        if not expected:  # ONNX Runtime before 1.32 fails for an empty result
            return np.zeros((0, self.spec.feature_size), np.float32)
        inputs: dict[str, npt.NDArray[np.generic]] = {
            "samples": samples,
            "first": np.array(first, np.int64),
            "count": np.array(count, np.int64),
        }
        features: Features = self._session.run(["features"], inputs)[0]
        if features.shape != (expected, self.spec.feature_size) or features.dtype != np.float32:
            raise ModelError(
                f"the audio program gave {features.dtype} features of shape {features.shape}, expected float32"
                f" ({expected}, {self.spec.feature_size}); export it again"
            )
        return features


def builtin_encoder(spec: AudioSpec, *, providers: Sequence[str] | None = None) -> AudioProgram | None:
    """Open the built-in audio program for features of type `spec`; None if there is none."""
    path = builtin_file(spec)
    return None if path is None else OnnxAudioProgram(path, providers=providers)


def builtin_file(spec: AudioSpec) -> Path | None:
    """The file of the built-in audio program for features of type `spec`; None if there is none."""
    return AUDIO_PROGRAMS.get(spec.name)
