"""A checkpoint and its template become a package, which gets its name once it does what the checkpoint does."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import cv2
import numpy as np

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram, export_encoder
from frame_generation_pipeline.errors import ModelError, OptionError, OutputError, TemplateError
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.output import complete_file, prepare_folder, temporary_beside
from frame_generation_pipeline.spec import SAMPLE_RATE
from frame_generation_pipeline.template.landmarks import read_landmarks
from frame_generation_pipeline.template.template import LANDMARKS as LANDMARK_FOLDER
from frame_generation_pipeline.template.template import PARSING, Template

from .agreement import Agreement, compare
from .load import open_package
from .manifest import (
    LANDMARKS,
    MANIFEST,
    MOST_FRAMES,
    MOST_PIXELS,
    PICTURE_FORMATS,
    PRECISIONS,
    PREVIEW,
    PREVIEW_SIDE,
    PROGRAMS,
    FileEntry,
    Manifest,
    Pictures,
    is_text,
    parsing_path,
    program_path,
)
from .programs import load_programs
from .refusal import Refusal
from .template import decode_picture, picture_kind

SUFFIX = ".avatar"
PREVIEW_QUALITY = 90  # of JPEG
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that an archive can state
_FILE_MODE = 0o100644 << 16  # an ordinary file that everybody may read, as archives state it

Progress = Callable[[int, int], None]  # frames done, frames in all


@dataclass(frozen=True)
class PackReport:
    """What was packed, and how far its programs are from the checkpoint."""

    path: Path
    manifest: Manifest
    agreement: Agreement  # of the float32 programs with PyTorch
    half: Agreement | None  # of the float16 programs with the float32 ones; None for fp32
    half_features: float | None  # largest difference of an audio feature through float16; None without

    def describe(self) -> dict[str, str]:
        """Named values in the order they should be shown."""
        described = {
            "avatar": str(self.path),
            "generator": self.manifest.generator.name,
            "frames": str(self.manifest.frame.count),
            "bytes": str(sum(entry.size for entry in self.manifest.files.values())),
            "against PyTorch": _decibels(self.agreement),
        }
        if self.half is not None:
            described["fp16 against fp32"] = _decibels(self.half)
        if self.half_features is not None:
            described["features, fp16 against fp32"] = f"at most {self.half_features:.1e} apart"
        return described


def pack_avatar(
    output: str | Path,
    *,
    checkpoint: str | Path,
    template: str | Path,
    encoder: str | Path | None = None,
    mode: str | None = None,
    name: str | None = None,
    licence: str = "",
    credits: Sequence[str] = (),
    frame_format: str | None = None,
    quality: int = 95,
    precision: str = "fp32",
    parsing: bool | None = None,
    progress: Progress | None = None,
) -> PackReport:
    """Write the avatar package `output`: one file where its name ends in `.avatar`, otherwise a folder.

    checkpoint, mode: the generator, see `load_network`. template: its folder.
    encoder: checkpoint of an `ave` encoder or an exported audio program; without it users bring features.
    name: by default that of `output`. licence, credits: text that goes into the manifest.
    frame_format: `jpg` or `png` to encode the frames anew, with `quality` 0 to 100 for JPEG; by default their files are
    taken as they are, byte for byte. parsing: by default when the template has such pictures.
    precision: `fp16` stores the weights at half the size. progress: called with the frames done and the frames in all.

    The same input gives the same bytes. Memory does not grow with the number of frames but for a kilobyte each.

    Raises MissingFileError, TemplateError and ModelError for unusable input, ModelError also when the programs are not
    what the checkpoint computes (see `agreement`), OptionError also without the extra `[train]`, OutputError; nothing
    is left behind then.
    """
    output, template = Path(output), Path(template)
    name = output.stem if name is None else name
    _check_options(name, licence, credits, frame_format, quality, precision)
    if output.suffix != SUFFIX and output.exists():
        raise OutputError(f"{output}: exists; remove it or choose another name (end it with {SUFFIX} for a single file)")
    recording = Template.open(template, parsing=(template / PARSING).is_dir() if parsing is None else parsing)
    if len(recording) > MOST_FRAMES or max(recording.width, recording.height) > MOST_PIXELS:
        raise TemplateError(f"{template}: a package has at most {MOST_FRAMES} frames of {MOST_PIXELS} pixels a side")
    with needing_train_extra(f"{checkpoint}: packing"):
        from frame_generation_pipeline.generator.programs import build_face_program, build_render_program
        from frame_generation_pipeline.generator.torch_backend import TorchGenerator

        from .half import halve
    reference = TorchGenerator.load(checkpoint, mode=mode, device="cpu")
    spec = reference.spec
    programs = {
        "face": build_face_program(reference.network).SerializeToString(deterministic=True),
        "render": build_render_program(reference.network, parsing=recording.parsing is not None).SerializeToString(
            deterministic=True
        ),
    }
    generator: Generator = ProgramGenerator(programs["face"], programs["render"], spec)
    agreement = compare(reference, generator, recording)
    if not agreement.holds:
        raise ModelError(f"{checkpoint}: not packed, its ONNX programs differ from PyTorch ({_decibels(agreement)})")
    if encoder is not None:
        if spec.audio.name != "ave":
            raise OptionError(f"{encoder}: is for ave features, the generator wants {spec.audio.name}; leave it out")
        programs["audio"] = _audio_program(Path(encoder))

    with _temporary_folder(output) as folder:
        writer = _Writer(folder)
        for role, program in programs.items():
            writer.write(program_path(role), halve(program) if precision == "fp16" else program)
        picture_format = _write_pictures(writer, recording, frame_format, quality, progress)
        manifest = Manifest(
            name=name,
            licence=licence,
            credits=tuple(credits),
            generator=spec,
            frame=Pictures(recording.width, recording.height, len(recording), picture_format),
            boxes=recording.boxes,
            parsing=recording.parsing is not None,
            programs=tuple(role for role in PROGRAMS if role in programs),
            precision=precision,
            files=dict(writer.files),
        )
        writer.write(MANIFEST, manifest.to_json())
        packed, packed_audio = load_programs(open_package(folder))
        half = compare(generator, packed, recording) if precision == "fp16" else None
        half_features = None
        if half is not None and packed_audio is not None:
            half_features = _features_apart(OnnxAudioProgram(programs["audio"]), packed_audio)
        if output.suffix == SUFFIX:
            with complete_file(output) as archive:
                _write_archive(folder, archive)
        else:
            folder.rename(output)
    return PackReport(output, manifest, agreement, half, half_features)
