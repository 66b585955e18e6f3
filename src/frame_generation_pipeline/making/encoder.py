"""Open audio encoders, from a checkpoint, an ONNX file or the package itself, and export them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Features, Samples
from frame_generation_pipeline.audio.encoder import AudioProgram, OnnxAudioProgram, builtin_encoder
from frame_generation_pipeline.audio.mel import SHORTEST, WINDOW_COLUMNS, mel_spectrogram, window_count, window_start
from frame_generation_pipeline.errors import ModelError, OptionError, check_choice
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.spec import AUDIO_SPECS, SAMPLE_RATE, AudioSpec
from frame_generation_pipeline.weights import PRESENTER

TOLERANCE = 1e-4  # largest difference of any feature from the reference in an exported audio program


class AudioEncoder(Protocol):
    """The network of an encoder, without the mel front end; encodes each window independently."""

    @property
    def spec(self) -> AudioSpec:
        """The type of its features."""

    def encode(self, windows: npt.NDArray[np.float32]) -> Features:
        """Encode mel windows (n, 80, 16) float32, n >= 0, as features (n, F) float32."""


class EncoderProgram:
    """The reference `AudioProgram`: computes the mel spectrogram with NumPy and encodes its windows."""

    def __init__(self, encoder: AudioEncoder) -> None:
        self.spec = encoder.spec
        self._encoder = encoder

    def features(self, samples: Samples, first: int, count: int) -> Features:
        """See `AudioProgram.features`."""
        mel = mel_spectrogram(np.pad(samples, (0, max(SHORTEST - len(samples), 0))))
        columns = mel.shape[1]
        windows = np.lib.stride_tricks.sliding_window_view(mel, WINDOW_COLUMNS, axis=1)
        indices = range(first, min(first + count, window_count(columns)))
        starts = [min(window_start(index), columns - WINDOW_COLUMNS) for index in indices]
        return self._encoder.encode(np.ascontiguousarray(windows[:, starts].swapaxes(0, 1)))


def load_encoder(path: str | Path, *, device: str = "cpu", providers: Sequence[str] | None = None) -> AudioProgram:
    """Load the audio program of an exported `.onnx` file, or of a `.pth`, `.pt` or `.safetensors` checkpoint.

    device: PyTorch's ("cpu", "cuda"), for checkpoints. providers: for `.onnx`, see `open_session`.
    Raises MissingFileError; ModelError for a file that is not this encoder; OptionError for options of the other kind
    of file, for a device or provider that is not available, and for checkpoints without PyTorch.
    """
    if Path(path).suffix == ".onnx":
        if device != "cpu":
            raise OptionError(f"{path}: ONNX files know no device {device!r}; choose execution providers instead")
        return OnnxAudioProgram(path, providers=providers)
    if providers is not None:
        raise OptionError(f"{path}: execution providers are for .onnx files; export the checkpoint first")
    with needing_train_extra(f"{path}: a checkpoint"):
        from frame_generation_pipeline.making.ave_encoder import TorchEncoder
    return EncoderProgram(TorchEncoder(path, device))


def open_encoder(path: str | Path | None, mode: str | None = None) -> AudioProgram:
    """Load the encoder in `path`, see `load_encoder`, or the built-in one for `mode`, by default `usual_audio`.

    Raises the errors of `load_encoder`; OptionError for another `mode` than the encoder's, or one without an encoder.
    """
    check_choice("mode", mode, AUDIO_SPECS)
    if path is None:
        spec = AUDIO_SPECS[mode] if mode else usual_audio()
        program = builtin_encoder(spec)
        if program is None:
            raise OptionError(f"no encoder for {spec.name} features comes with this program; give one (.pth or .onnx)")
        return program
    program = load_encoder(path)
    if mode not in (None, program.spec.name):
        raise OptionError(f"{path}: gives {program.spec.name} features, not {mode}; leave the mode out or correct it")
    return program


def usual_audio() -> AudioSpec:
    """The type of audio feature where none is asked for: the built-in presenter's, from whose weights others begin."""
    return open_package(PRESENTER).manifest.generator.audio


def export_encoder(checkpoint_path: str | Path, output_path: str | Path) -> None:
    """Export a checkpoint's encoder as an audio program, an ONNX file that `load_encoder` reads.

    Before the file gets its name, its features of noise and of speech-like audio are compared with the reference's.
    Raises the errors of loading a checkpoint; ModelError if any feature differs by more than 1e-4; OutputError if the
    file cannot be written.
    """
    with needing_train_extra(f"{checkpoint_path}: the export"):
        from frame_generation_pipeline.making.audio_program import build_audio_program
        from frame_generation_pipeline.making.ave_encoder import TorchEncoder
    encoder = TorchEncoder(checkpoint_path, "cpu")
    with complete_file(Path(output_path)) as temporary:
        temporary.write_bytes(build_audio_program(encoder.module).SerializeToString(deterministic=True))
        program, reference = OnnxAudioProgram(temporary), EncoderProgram(encoder)
        for samples in _trial_signals():
            expected = reference.features(samples, 0, len(samples))
            difference = np.abs(program.features(samples, 0, len(samples)) - expected).max()
            if not difference <= TOLERANCE:  # also if it is NaN
                raise ModelError(
                    f"{output_path}: not written, the audio program differs from torch by {difference:.1e}"
                    f" (at most {TOLERANCE:.0e} expected); check the checkpoint's values"
                )


def _trial_signals() -> tuple[Samples, Samples]:
    """White noise, and voiced syllables with silence between them; one second each, float32."""
    seconds = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    pitch = 2 * np.pi * (120 * seconds + 3 * np.sin(2 * np.pi * 2 * seconds))
    voice = sum(np.sin(harmonic * pitch) / harmonic for harmonic in range(1, 30))
    syllables = 0.3 * voice * np.maximum(0, np.sin(2 * np.pi * 4 * seconds))
    noise = np.random.default_rng(0).uniform(-1, 1, SAMPLE_RATE)
    return noise.astype(np.float32), syllables.astype(np.float32)
