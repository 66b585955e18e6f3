"""The features of a package at which the mouth rests: chosen when it is made, checked when it is read."""

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

RECORDED, SILENCE, NONE = "the recording's", "digital silence's", "none"  # where they come from


def choose_rest(recording: Template, spec: AudioSpec, audio: bytes | None) -> tuple[bytes, str]:
    """`rest.bin` for a recording, and where it comes from; empty where nothing tells.

    audio: the package's audio program, which is asked for silence where the recording shows no mouth at rest.
    """
    window, origin = recorded_rest(recording, spec), RECORDED
    if window is None and audio is not None:
        window, origin = silence_window(OnnxAudioProgram(audio)), SILENCE
    return (b"", NONE) if window is None else (window.astype("<f4").tobytes(), origin)


def read_rest(package: Package) -> npt.NDArray[np.float32] | None:
    """The window (16, F) at which the mouth rests, where the package has one. Raises PackageError."""
    if not package.manifest.rest:
        return None
    window = np.frombuffer(package.read(REST), "<f4").reshape(WINDOW, package.manifest.generator.audio.feature_size)
    with refusing(package.path):
        if not np.isfinite(window).all():
            raise Refusal(f"{REST} has values that are not finite numbers")
    return window.astype(np.float32)
