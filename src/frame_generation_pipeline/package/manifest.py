"""The fields of `avatar.json` as values, and the files that follow from them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import category

from frame_generation_pipeline.audio.gate import FIXED_GATE, RELATIVE_GATE, SpeechGate
from frame_generation_pipeline.media.downmix import MEAN, Downmix
from frame_generation_pipeline.spec import REFERENCE, WINDOW, GeneratorSpec
from frame_generation_pipeline.template.crop_box import CropBox

FORMAT, VERSION = "framegen-avatar", 3
VERSIONS = (1, 2, 3)  # of packages that this program reads
BLENDS_SINCE = 2  # the version from which there are `blend` and `rest`
STREAMING_SINCE = 3  # the version from which there are features of the type `streaming`
OUTREACHING_SINCE = 3  # the version from which a box may reach beyond the image
LISTENING_SINCE = 3  # the version from which the gate is relative to the level of the speech, and channels have weights
MANIFEST, LANDMARKS, PREVIEW, REST = "avatar.json", "landmarks.bin", "preview.jpg", "rest.bin"
IMAGE_FORMATS = ("jpg", "png")
PRECISIONS = ("fp32", "fp16")
PROGRAMS = ("audio", "face", "render")  # the audio program may be absent
LANDMARK_POINTS = 110  # points a frame
LANDMARK_BYTES = LANDMARK_POINTS * 2 * 2  # a frame; x and y, int16
PREVIEW_SIDE = 512  # pixels at most

MOST_FRAMES = 100_000  # more than an hour at 25 a second
MOST_PIXELS = 8192  # of an image's side
MOST_TEXT = 100_000  # characters
MOST_CREDITS = 1000
CONTROLS = ("Cc", "Cs", "Zl", "Zp")  # categories of Unicode that no text has


@dataclass(frozen=True)
class Images:
    """The template's frames: size in pixels, how many, and `jpg` or `png`."""

    width: int
    height: int
    count: int
    format: str


@dataclass(frozen=True)
class FileEntry:
    """The size of a file in bytes, and its SHA-256 in lower-case hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The fields of `avatar.json`, which docs/avatar.md describes; `format` is this module's."""

    name: str
    licence: str
    credits: tuple[str, ...]
    generator: GeneratorSpec
    frame: Images
    boxes: tuple[CropBox, ...]
    parsing: bool
    programs: tuple[str, ...]  # of PROGRAMS, in that order
    precision: str
    files: Mapping[str, FileEntry]
    blend: str = REFERENCE  # one of `spec.BLENDS`: the default of hosts; the render program has all of them
    rest: bool = False  # whether the package has a window of a mouth at rest
    version: int = VERSION

    @property
    def fps(self) -> int:
        """Frames a second, those of the audio features."""
        return self.generator.audio.fps

    @property
    def rest_bytes(self) -> int:
        """Size of the window (16, F) of float32 at which the mouth rests."""
        return WINDOW * self.generator.audio.feature_size * 4

    @property
    def gate(self) -> SpeechGate:
        """The gate that finds where nobody speaks, as this version of packages defines it."""
        return RELATIVE_GATE if self.version >= LISTENING_SINCE else FIXED_GATE

    @property
    def downmix(self) -> Downmix | None:
        """How the channels of a file become one, as this version defines it; None: chosen from the whole file."""
        return None if self.version >= LISTENING_SINCE else MEAN

    def to_json(self) -> bytes:
        """The bytes of `avatar.json`; the same values give the same bytes."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "version": self.version,
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
        if self.version >= BLENDS_SINCE:
            content |= {"blend": self.blend, "rest": self.rest}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def paths(self) -> Iterator[str]:
        """Every file that the package has beside `avatar.json`, and no other."""
        yield LANDMARKS
        yield PREVIEW
        if self.rest:
            yield REST
        yield from map(program_path, self.programs)
        for index in range(self.frame.count):
            yield frame_path(index, self.frame.format)
            if self.parsing:
                yield parsing_path(index)


def program_path(role: str) -> str:
    """The path of the program `audio`, `face` or `render` in a package."""
    return f"programs/{role}.onnx"


def frame_path(index: int, image_format: str) -> str:
    """The path of frame `index` in a package."""
    return f"frames/{index:05d}.{image_format}"


def parsing_path(index: int) -> str:
    """The path of the parsing image of frame `index` in a package."""
    return f"parsing/{index:05d}.png"


def is_text(text: str, *, lines: bool = False) -> bool:
    """Whether `text` is short enough and has no control characters; `lines` allows line breaks and tabs.

    Control characters are those in Unicode's categories of controls, surrogates, line and paragraph separators.
    """
    allowed = "\n\t" if lines else ""
    return len(text) <= MOST_TEXT and all(c in allowed or category(c) not in CONTROLS for c in text)


def _generator_fields(spec: GeneratorSpec) -> dict[str, Any]:
    audio = {"name": spec.audio.name, "feature_size": spec.audio.feature_size}
    return {"face": spec.face.name, "audio": audio, "width": spec.width}
