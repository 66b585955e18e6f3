"""Pack a checkpoint and a template into an avatar package."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import TemplateError, check_choice, library_errors
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.making.build import Programs, build_programs
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.package_writer import PackageWriter, complete_package
from frame_generation_pipeline.media.video_reader import check_quality, read_image
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import (
    IMAGE_FORMATS,
    LANDMARKS,
    MANIFEST,
    MOST_FRAMES,
    MOST_PIXELS,
    PRECISIONS,
    PREVIEW,
    PREVIEW_SIDE,
    PROGRAMS,
    REST,
    Images,
    Manifest,
    frame_path,
    parsing_path,
    program_path,
)
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.package.refusal import Refusal
from frame_generation_pipeline.package.rest import choose_rest
from frame_generation_pipeline.package.template import decode_image, image_kind
from frame_generation_pipeline.spec import BLENDS, FEATHERED
from frame_generation_pipeline.template.landmarks import read_landmarks
from frame_generation_pipeline.template.template import PARSING, Template

PREVIEW_QUALITY = 90  # of JPEG
FARTHEST = 2**15 - 1  # pixels; largest coordinate of a landmark


@dataclass(frozen=True)
class PackReport:
    """The contents of a new package, and the differences of its programs from the checkpoint."""

    path: Path
    manifest: Manifest
    programs: Programs
    rest: str  # the origin of the window of a mouth at rest

    def describe(self) -> dict[str, str]:
        """Named values, in the order in which to show them."""
        programs = self.programs
        described = {
            "avatar": str(self.path),
            "generator": programs.spec.name,
            "frames": str(self.manifest.frame.count),
            "bytes": str(sum(entry.size for entry in self.manifest.files.values())),
            "mouth at rest": self.rest,
            "programs against PyTorch": str(programs.agreement),
        }
        if programs.half is not None:
            described["fp16 against fp32"] = str(programs.half)
        if programs.half_features is not None:
            described["features, fp16 against fp32"] = f"at most {programs.half_features:.1e} apart"
        return described


@library_errors("the avatar could not be packed")
def pack_avatar(
    output: str | Path,
    *,
    checkpoint: str | Path,
    template: str | Path,
    encoder: str | Path | None = None,
    mode: str | None = None,
    label: Label = Label(),
    frame_format: str | None = None,
    quality: int = 95,
    precision: str = "fp32",
    parsing: bool | None = None,
    blend: str = FEATHERED,
    progress: Progress | None = None,
) -> PackReport:
    """Write the avatar package `output`: one file if its name ends in `.avatar`, otherwise a folder.

    checkpoint, mode: the generator, see `load_network`. template: the folder of the template.
    encoder: checkpoint of an `ave` encoder or an exported audio program; by default the built-in one for its
    features. Where there is none either, the package has none: its users bring features.
    label: name, licence and credits.
    frame_format: `jpg` or `png` encodes the frames anew, JPEG with `quality` 0 to 100; by default the template's files
    are copied byte for byte. parsing: whether to pack parsing images; by default if the template has them.
    precision: `fp32`, or `fp16` for weights of half the size. blend: one of `spec.BLENDS`, the default of hosts.
    progress: called after each frame with the number of frames done and of all frames.

    The same input gives the same bytes. One frame at a time is in memory, and half a kilobyte for each frame.

    Raises MissingFileError, TemplateError and ModelError for unusable input; ModelError also if the programs do not
    compute what the checkpoint does, see `agreement`; OptionError also without the extra `[train]`; OutputError;
    LibraryError. No file is left behind then.
    """
    output, template = Path(output), Path(template)
    label = label.of(output)
    check_choice("frame format", frame_format, IMAGE_FORMATS)
    check_quality(quality)
    check_choice("precision", precision, PRECISIONS)
    check_choice("blend", blend, BLENDS)
    recording = Template.open(template, parsing=(template / PARSING).is_dir() if parsing is None else parsing)
    if len(recording) > MOST_FRAMES or max(recording.width, recording.height) > MOST_PIXELS:
        raise TemplateError(
            f"{template}: too large; a package has at most {MOST_FRAMES} frames of {MOST_PIXELS} pixels"
        )
    with complete_package(output) as folder:
        writer = PackageWriter(folder)
        programs = build_programs(checkpoint, encoder, mode, recording, precision)
        for role, program in programs.files.items():
            writer.write(program_path(role), program)
        rest, origin = choose_rest(recording, programs.spec.audio, programs.files.get("audio"))
        if rest:
            writer.write(REST, rest)
        image_format = _write_images(writer, recording, frame_format, quality, progress)
        writer.write(LANDMARKS, b"".join(_landmarks(recording.landmark_file(index)) for index in range(len(recording))))
        manifest = Manifest(
            name=label.name or "",
            licence=label.licence,
            credits=label.credits,
            generator=programs.spec,
            frame=Images(recording.width, recording.height, len(recording), image_format),
            boxes=recording.boxes,
            parsing=recording.parsing is not None,
            programs=tuple(role for role in PROGRAMS if role in programs.files),
            precision=precision,
            files=dict(writer.files),
            blend=blend,
            rest=bool(rest),
        )
        writer.write(MANIFEST, manifest.to_json())
        load_programs(open_package(folder))  # a package that cannot be read gets no name
    return PackReport(output, manifest, programs, origin)


def _write_images(
    writer: PackageWriter, recording: Template, frame_format: str | None, quality: int, progress: Progress | None
) -> str:
    """Write frames, parsing images and preview; returns the format of the frames."""
    size = recording.width, recording.height
    image_format = frame_format or image_kind(_read(recording.images[0]))
    for index, path in enumerate(recording.images):
        data = _read(path)
        image = _decode(data, path, image_kind(data) if frame_format else image_format, size)
        if frame_format:
            data = _encode(image, image_format, quality)
        writer.write(frame_path(index, image_format), data)
        if index == 0:
            writer.write(PREVIEW, _preview(image))
        if recording.parsing:
            mask = _read(recording.parsing[index])
            _decode(mask, recording.parsing[index], "png", size)
            writer.write(parsing_path(index), mask)
        if progress:
            progress(index + 1, len(recording))
    return image_format


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{path}: cannot be read ({error.strerror}); check the file") from error


def _decode(data: bytes, path: Path, image_format: str, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Decode an image, which must look the same in the template and in a package."""
    try:
        image = decode_image(data, str(path), image_format, size)
    except Refusal as refusal:
        raise TemplateError(f"{refusal}; write the image again or choose a frame format") from refusal
    if not np.array_equal(image, read_image(path)):
        raise TemplateError(f"{path}: is turned by its EXIF data; write the image again without them")
    return image


def _encode(image: npt.NDArray[np.uint8], image_format: str, quality: int) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if image_format == "jpg" else []
    return cv2.imencode(f".{image_format}", image, options)[1].tobytes()


def _preview(image: npt.NDArray[np.uint8]) -> bytes:
    height, width = image.shape[:2]
    scale = min(1, PREVIEW_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smaller = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _encode(smaller, "jpg", PREVIEW_QUALITY)


def _landmarks(path: Path) -> bytes:
    """The landmarks of a `.lms` file as bytes of `landmarks.bin`: (110, 2) little-endian int16."""
    points = read_landmarks(path)
    if np.abs(points).max() > FARTHEST:
        raise TemplateError(f"{path}: has points farther than {FARTHEST} pixels from the corner; find them again")
    return points.astype("<i2").tobytes()
