"""`avatar.json` as values: what a package says of itself, and which files it therefore has."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from frame_generation_pipeline.spec import GeneratorSpec
from frame_generation_pipeline.template.crop_box import CropBox

FORMAT, VERSION = "framegen-avatar", 1
MANIFEST, LANDMARKS, PREVIEW = "avatar.json", "landmarks.bin", "preview.jpg"
PICTURE_FORMATS = ("jpg", "png")
PRECISIONS = ("fp32", "fp16")
PROGRAMS = ("audio", "face", "render")  # the audio program may be absent
LANDMARK_POINTS = 110  # points a frame
LANDMARK_BYTES = LANDMARK_POINTS * 2 * 2  # a frame; x and y, int16


@dataclass(frozen=True)
class Pictures:
    """The template's frames: size in pixels, how many, and `jpg` or `png`."""

    width: int
    height: int
    count: int
    format: str


@dataclass(frozen=True)
class FileEntry:
    """What a file must be: its bytes, and their SHA-256 in lower-case hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The fields of `avatar.json`, which docs/avatar.md describes; `format` and `version` are this module's."""

    name: str
    licence: str
    credits: tuple[str, ...]
    generator: GeneratorSpec
    frame: Pictures
    boxes: tuple[CropBox, ...]
    parsing: bool
    programs: tuple[str, ...]  # of PROGRAMS, in that order
    precision: str
    files: Mapping[str, FileEntry]

    @property
    def fps(self) -> int:
        """Frames a second, those of the audio features."""
        return self.generator.audio.fps

    def to_json(self) -> bytes:
        """The same bytes for the same values."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "licence": self.licence,
            "credits": self.credits,
            "fps": self.fps,
            "generator": _generator_fields(self.generator),
            "frame": vars(self.frame),
            "boxes": [(box.x, box.y, box.size) for box in self.boxes],
            "parsing": self.parsing,
            "programs": {role: program_path(role) for role in self.programs},
            "precision": self.precision,
            "files": {path: vars(entry) for path, entry in self.files.items()},
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def paths(self) -> Iterator[str]:
        """Every file that the package has beside `avatar.json`, and no other."""
        yield LANDMARKS
        yield PREVIEW
        yield from map(program_path, self.programs)
        for index in range(self.frame.count):
            yield self.frame_path(index)
            if self.parsing:
                yield parsing_path(index)

    def frame_path(self, index: int) -> str:
        """Where frame `index` is."""
        return f"frames/{index:05d}.{self.frame.format}"


def program_path(role: str) -> str:
    """Where the program `audio`, `face` or `render` is."""
    return f"programs/{role}.onnx"


def parsing_path(index: int) -> str:
    """Where the parsing picture of frame `index` is."""
    return f"parsing/{index:05d}.png"


def _generator_fields(spec: GeneratorSpec) -> dict[str, Any]:
    audio = {"name": spec.audio.name, "feature_size": spec.audio.feature_size}
    return {"face": spec.face.name, "audio": audio, "width": spec.width}
