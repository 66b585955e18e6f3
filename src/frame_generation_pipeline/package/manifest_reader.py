"""Read `avatar.json` without trusting it: refuse whatever docs/avatar.md does not allow."""

import re
from typing import Any, NoReturn, TypeVar

from frame_generation_pipeline.files.json_file import parse_json
from frame_generation_pipeline.package.manifest import (
    BLENDS_SINCE,
    FORMAT,
    IMAGE_FORMATS,
    LANDMARK_BYTES,
    LANDMARKS,
    MANIFEST,
    MOST_CREDITS,
    MOST_FRAMES,
    MOST_PIXELS,
    OUTREACHING_SINCE,
    PRECISIONS,
    PROGRAMS,
    REST,
    STREAMING_SINCE,
    VERSIONS,
    FileEntry,
    Images,
    Manifest,
    is_text,
    program_path,
)
from frame_generation_pipeline.package.refusal import Refusal, shown
from frame_generation_pipeline.spec import AUDIO_SPECS, BLENDS, FACE_SPECS, REFERENCE, STREAMING, GeneratorSpec
from frame_generation_pipeline.template.crop_box import CropBox

MOST_MANIFEST = 64 * 10**6  # bytes of avatar.json
MOST_FILE = 2**30  # bytes of one file
MOST_TOTAL = 2**36  # bytes of all files
MOST_WIDTH = 1024  # channels at a generator's first level

T = TypeVar("T")


def read_manifest(data: bytes) -> Manifest:
    """Read the manifest in the bytes of an `avatar.json`. Raises Refusal, which names the field."""
    try:
        content = parse_json(data)
    except ValueError as error:
        raise Refusal(f"{MANIFEST} is no JSON that can be read ({shown(str(error))})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise Refusal(f"{MANIFEST} is not of the format {FORMAT}")
    version = content.get("version")
    if type(version) is not int or version not in VERSIONS:
        known = ", ".join(map(str, VERSIONS))
        raise Refusal(f"{MANIFEST} is of version {shown(version)}, this program reads {known}")
    names = {"format", "fps", *Manifest.__annotations__} - ({"blend", "rest"} if version < BLENDS_SINCE else set())
    fields = _fields(content, "", tuple(sorted(names)))
    manifest = Manifest(
        name=_text(fields["name"], "name"),
        licence=_text(fields["licence"], "licence", lines=True),
        credits=tuple(_text(line, "credits") for line in _list(fields["credits"], "credits", MOST_CREDITS)),
        generator=_generator(fields["generator"]),
        frame=_images(fields["frame"]),
        boxes=tuple(_box(box) for box in _list(fields["boxes"], "boxes", MOST_FRAMES)),
        parsing=_choice(fields["parsing"], "parsing", (False, True)),
        programs=_programs(fields["programs"]),
        precision=_choice(fields["precision"], "precision", PRECISIONS),
        files=_files(fields["files"]),
        blend=_choice(fields.get("blend", REFERENCE), "blend", BLENDS),
        rest=_choice(fields.get("rest", False), "rest", (False, True)),
        version=version,
    )
    _choice(fields["fps"], "fps", (manifest.fps,))
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    """Refuse a manifest whose fields contradict each other."""
    if len(manifest.boxes) != manifest.frame.count:
        raise Refusal(f"{MANIFEST} has {len(manifest.boxes)} boxes for {manifest.frame.count} frames")
    if manifest.version < STREAMING_SINCE and manifest.generator.audio == STREAMING:
        raise Refusal(f"{MANIFEST} is of version {manifest.version}, which has no streaming features")
    for index, box in enumerate(manifest.boxes):
        if problem := box.problem(manifest.frame.width, manifest.frame.height):
            raise Refusal(f"{MANIFEST} has an impossible box for frame {index}: {problem}")
        if manifest.version < OUTREACHING_SINCE and not box.inside(manifest.frame.width, manifest.frame.height):
            raise Refusal(f"{MANIFEST} has an impossible box for frame {index}: it leaves the image")
    differing = set(manifest.paths()) ^ set(manifest.files)
    if differing:
        path = min(differing)
        problem = "lists {}, which no package has" if path in manifest.files else "does not list {}"
        raise Refusal(f"{MANIFEST} {problem.format(shown(path))}")
    if manifest.files[LANDMARKS].size != manifest.frame.count * LANDMARK_BYTES:
        raise Refusal(f"{LANDMARKS} is not of {LANDMARK_BYTES} bytes a frame")
    if manifest.rest and manifest.files[REST].size != manifest.rest_bytes:
        raise Refusal(f"{REST} is not of {manifest.rest_bytes} bytes")
    if sum(entry.size for entry in manifest.files.values()) > MOST_TOTAL:
        raise Refusal(f"{MANIFEST} lists files of more than {MOST_TOTAL} bytes in all")


def _generator(value: object) -> GeneratorSpec:
    fields = _fields(value, "generator", ("face", "audio", "width"))
    face = FACE_SPECS[_choice(fields["face"], "generator.face", tuple(FACE_SPECS))]
    audio = _fields(fields["audio"], "generator.audio", ("name", "feature_size"))
    spec = AUDIO_SPECS[_choice(audio["name"], "generator.audio.name", tuple(AUDIO_SPECS))]
    _choice(audio["feature_size"], "generator.audio.feature_size", (spec.feature_size,))
    return GeneratorSpec(face, spec, _integer(fields["width"], "generator.width", 1, MOST_WIDTH))


def _images(value: object) -> Images:
    fields = _fields(value, "frame", tuple(Images.__annotations__))
    return Images(
        _integer(fields["width"], "frame.width", 1, MOST_PIXELS),
        _integer(fields["height"], "frame.height", 1, MOST_PIXELS),
        _integer(fields["count"], "frame.count", 1, MOST_FRAMES),
        _choice(fields["format"], "frame.format", IMAGE_FORMATS),
    )


def _box(value: object) -> CropBox:
    numbers = _list(value, "boxes", 3)
    if len(numbers) != 3:
        _refuse("boxes", "[x, y, size] for each frame", value)
    x, y = (_integer(number, "boxes", -MOST_PIXELS, MOST_PIXELS) for number in numbers[:2])
    return CropBox(x, y, _integer(numbers[2], "boxes", 0, MOST_PIXELS))


def _programs(value: object) -> tuple[str, ...]:
    fields = _fields(value, "programs", ("face", "render"), optional=("audio",))
    for role, path in fields.items():
        _choice(path, f"programs.{role}", (program_path(role),))
    return tuple(role for role in PROGRAMS if role in fields)


def _files(value: object) -> dict[str, FileEntry]:
    if not isinstance(value, dict):
        _refuse("files", "an object", value)
    files = {}
    for path, content in value.items():
        fields = _fields(content, f"files of {path}", tuple(FileEntry.__annotations__))
        digest = fields["sha256"]
        if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
            _refuse(f"files of {path}", "64 hexadecimal digits", digest)
        files[path] = FileEntry(_integer(fields["size"], f"files of {path}", 1, MOST_FILE), digest)
    return files


def _fields(value: object, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(required) <= set(value) <= {*required, *optional}:
        found = sorted(value) if isinstance(value, dict) else value
        _refuse(where or "the whole", f"an object with {', '.join(required)}", found)
    return value


def _list(value: object, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        _refuse(where, f"a list of at most {most}", value if not isinstance(value, list) else len(value))
    return value


def _integer(value: object, where: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:  # a bool is an int, and not meant here
        _refuse(where, f"a whole number from {low} to {high}", value)
    return value


def _choice(value: object, where: str, choices: tuple[T, ...]) -> T:
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    return _refuse(where, " or ".join(map(str, choices)), value)


def _text(value: object, where: str, *, lines: bool = False) -> str:
    if not isinstance(value, str) or not is_text(value, lines=lines):
        _refuse(where, "text of moderate length without control characters", value)
    return value


def _refuse(where: str, expected: str, found: object) -> NoReturn:
    raise Refusal(f"{MANIFEST}: {shown(where)[1:-1]} is {shown(found)}; expected {expected}")
