"""Build the programs of a package from checkpoints, and check them against PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram, builtin_file
from frame_generation_pipeline.errors import ModelError, OptionError
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.agreement import Agreement, compare
from frame_generation_pipeline.making.encoder import export_encoder, load_encoder
from frame_generation_pipeline.runtime.onnx_session import checked_program
from frame_generation_pipeline.spec import SAMPLE_RATE, GeneratorSpec
from frame_generation_pipeline.template.template import Template


@dataclass(frozen=True)
class Programs:
    """ONNX files by role, and their differences from their origins."""

    spec: GeneratorSpec
    files: Mapping[str, bytes]
    agreement: Agreement  # of the float32 generator with PyTorch
    half: Agreement | None = None  # of the float16 generator with the float32 one, if float16 was asked for
    half_features: float | None = None  # largest difference of an audio feature due to float16


def build_programs(
    checkpoint: str | Path, encoder: str | Path | None, mode: str | None, recording: Template, precision: str
) -> Programs:
    """Build the programs of the generator in `checkpoint` and of `encoder`, and compare them on `recording`'s frames.

    encoder: a checkpoint, or an audio program from `export_encoder`; by default the built-in one, if there is one.
    precision: "fp32" or "fp16".

    Raises MissingFileError, ModelError for unusable checkpoints and for programs that differ from PyTorch by more than
    `agreement` allows, OptionError for an encoder of other features and without the extra `[train]`.
    """
    with needing_train_extra(f"{checkpoint}: packing"):
        from frame_generation_pipeline.making.programs import build_face_program, build_render_program
        from frame_generation_pipeline.making.torch_backend import TorchGenerator
    reference = TorchGenerator.load(checkpoint, mode=mode, device="cpu")
    models = {
        "face": build_face_program(reference.network),
        "render": build_render_program(reference.network, parsing=recording.parsing is not None),
    }
    files = {role: model.SerializeToString(deterministic=True) for role, model in models.items()}
    generator = ProgramGenerator(files["face"], files["render"], reference.spec)
    agreement = compare(reference, generator, recording)
    if not agreement.holds:
        raise ModelError(f"{checkpoint}: not packed, its programs differ from PyTorch: {agreement}; report this")
    if encoder is not None:
        files["audio"] = _audio_program(encoder, reference.spec)
    elif (builtin := builtin_file(reference.spec.audio)) is not None:
        files["audio"] = builtin.read_bytes()
    programs = Programs(reference.spec, files, agreement)
    return _halved(programs, generator, recording) if precision == "fp16" else programs


def _audio_program(encoder: str | Path, spec: GeneratorSpec) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(encoder)
        if path.suffix != ".onnx":
            path = Path(folder, "audio.onnx")
            export_encoder(encoder, path)
        if load_encoder(path).spec != spec.audio:
            raise OptionError(f"{encoder}: gives other features than the generator's {spec.audio.name}; leave it out")
        return checked_program(path)


def _halved(programs: Programs, generator: ProgramGenerator, recording: Template) -> Programs:
    from frame_generation_pipeline.making.half import halve

    files = {role: halve(program) for role, program in programs.files.items()}
    half = compare(generator, ProgramGenerator(files["face"], files["render"], programs.spec), recording)
    apart = None
    if "audio" in files:
        noise = np.random.default_rng(0).uniform(-1, 1, SAMPLE_RATE).astype(np.float32)
        before, after = (OnnxAudioProgram(f["audio"]).features(noise, 0, len(noise)) for f in (programs.files, files))
        apart = float(np.abs(before - after).max())
    return Programs(programs.spec, files, programs.agreement, half, apart)
