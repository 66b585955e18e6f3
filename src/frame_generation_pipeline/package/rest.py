"""The window of features at which the mouth of a package rests: choose it for packing, check it when reading."""

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.audio.gate import silence_window
from frame_generation_pipeline.package.load import Package
from frame_generation_pipeline.package.manifest import REST
from frame_generation_pipeline.package.refusal import Refusal, refusing
from frame_generation_pipeline.spec import WINDOW, AudioSpec
from frame_generation_pipeline.template.rest import recorded_rest
from frame_generation_pipeline.template.template import Template

RECORDED, SILENCE, NONE = "the recording's", "digital silence's", "none"  # origins of the window


def choose_rest(recording: Template, spec: AudioSpec, audio: bytes | None) -> tuple[bytes, str]:
    """Choose the bytes of `rest.bin` for a recording; returns them and their origin, or no bytes and NONE.

    audio: the package's audio program; its window of silence serves if the recording shows no mouth at rest.
    """
    window, origin = recorded_rest(recording, spec), RECORDED
    if window is None and audio is not None:
        window, origin = silence_window(OnnxAudioProgram(audio)), SILENCE
    return (b"", NONE) if window is None else (window.astype("<f4").tobytes(), origin)


def read_rest(package: Package) -> npt.NDArray[np.float32] | None:
    """The window (16, F) at which the mouth rests; None if the package has none. Raises PackageError."""
    if not package.manifest.rest:
        return None
    window = np.frombuffer(package.read(REST), "<f4").reshape(WINDOW, package.manifest.generator.audio.feature_size)
    with refusing(package.path):
        if not np.isfinite(window).all():
            raise Refusal(f"{REST} has values that are not finite numbers")
    return window.astype(np.float32)
