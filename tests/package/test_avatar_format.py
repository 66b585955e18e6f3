"""docs/avatar.md and docs/avatar.schema.json describe what is packed, field by field."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from frame_generation_pipeline.making.pack import PackReport
from frame_generation_pipeline.package import manifest, manifest_reader
from frame_generation_pipeline.package.manifest import is_text
from frame_generation_pipeline.package.refusal import Refusal
from frame_generation_pipeline.spec import AUDIO_SPECS, BLENDS, FACE_SPECS

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = json.loads((DOCS / "avatar.schema.json").read_bytes())
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


def problems(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """What JSON Schema would find; only for the keywords that the schema uses."""
    differences = []
    for keyword, expected in schema.items():
        match keyword:
            case "$schema" | "title":
                continue
            case "type":
                fits = isinstance(value, TYPES[expected]) and (expected == "boolean" or not isinstance(value, bool))
            case "const":
                fits = type(value) is type(expected) and value == expected
            case "enum":
                fits = any(type(value) is type(choice) and value == choice for choice in expected)
            case "minimum":
                fits = value >= expected
            case "maximum":
                fits = value <= expected
            case "maxLength" | "maxItems":
                fits = len(value) <= expected
            case "minItems":
                fits = len(value) >= expected
            case "pattern":
                fits = re.search(expected, value) is not None
            case "required":
                fits = set(expected) <= set(value)
            case "properties":
                differences += [
                    p for k, v in value.items() if k in expected for p in problems(v, expected[k], f"{where}.{k}")
                ]
                continue
            case "additionalProperties":
                more = {k: v for k, v in value.items() if k not in schema.get("properties", {})}
                fits = bool(expected) or not more
                differences += [p for k, v in more.items() if expected for p in problems(v, expected, f"{where}.{k}")]
            case "propertyNames":
                differences += [problem for name in value for problem in problems(name, expected, f"{where}.{name}")]
                continue
            case "items":
                differences += [problem for item in value for problem in problems(item, expected, f"{where}[]")]
                continue
            case "prefixItems":
                differences += [
                    p for item, part in zip(value, expected, strict=False) for p in problems(item, part, where)
                ]
                continue
            case _:
                raise AssertionError(f"the check does not know {keyword}")
        if not fits:
            differences.append(f"{where}: {keyword}")
            break
    return differences


@pytest.fixture
def packed_manifest(packed: PackReport) -> dict[str, Any]:
    return json.loads((packed.path / "avatar.json").read_bytes())  # type: ignore[no-any-return]


def test_packed_manifest_is_valid(packed_manifest: dict[str, Any]) -> None:
    assert problems(packed_manifest, SCHEMA) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(version=1),
        lambda m: m.update(extra=0),
        lambda m: m.pop("licence"),
        lambda m: m.update(version=4),
        lambda m: m.update(parsing=1),
        lambda m: m.update(blend="hard"),
        lambda m: m.update(rest=1),
        lambda m: m["frame"].update(width=True),
        lambda m: m["frame"].update(count=0),
        lambda m: m["boxes"][0].append(1),
        lambda m: m["boxes"].append([0, 0, 31]),
        lambda m: m["boxes"][0].__setitem__(0, -8193),
        lambda m: m["programs"].update(face="../face.onnx"),
        lambda m: m["files"].update({"../x": m["files"]["preview.jpg"]}),
        lambda m: m["files"]["preview.jpg"].update(sha256="A" * 64),
    ],
)
def test_schema_and_reader_refuse_the_same(packed_manifest: dict[str, Any], change: Callable[..., object]) -> None:
    changed = copy.deepcopy(packed_manifest)
    change(changed)
    assert problems(changed, SCHEMA)
    with pytest.raises(Refusal):
        manifest_reader.read_manifest(json.dumps(changed).encode())


def test_every_field_is_documented() -> None:
    text = (DOCS / "avatar.md").read_text()
    top = {"format", "version", "fps", *(field.name for field in fields(manifest.Manifest))}
    assert set(SCHEMA["properties"]) == top == set(SCHEMA["required"])
    for part, kind in (("frame", manifest.Images),):
        assert set(SCHEMA["properties"][part]["properties"]) == {field.name for field in fields(kind)}
        assert all(f"`{part}.{field.name}`" in text for field in fields(kind))
    entry = SCHEMA["properties"]["files"]["additionalProperties"]["properties"]
    assert set(entry) == {field.name for field in fields(manifest.FileEntry)}
    for name in top - {"generator", "frame"}:
        assert re.search(rf"^\| `{name}` ", text, re.MULTILINE), name
    for name in ("face", "audio.name", "audio.feature_size", "width"):
        assert f"| `generator.{name}` |" in text


def test_limits_are_documented() -> None:
    frame = SCHEMA["properties"]["frame"]["properties"]
    assert frame["width"]["maximum"] == frame["height"]["maximum"] == manifest.MOST_PIXELS
    assert frame["count"]["maximum"] == SCHEMA["properties"]["boxes"]["maxItems"] == manifest.MOST_FRAMES
    assert SCHEMA["properties"]["credits"]["maxItems"] == manifest.MOST_CREDITS
    assert SCHEMA["properties"]["name"]["maxLength"] == manifest.MOST_TEXT
    sizes = SCHEMA["properties"]["files"]["additionalProperties"]["properties"]["size"]
    assert sizes["maximum"] == manifest_reader.MOST_FILE
    assert SCHEMA["properties"]["version"]["const"] == manifest.VERSION
    assert SCHEMA["properties"]["blend"]["enum"] == list(BLENDS)
    generator = SCHEMA["properties"]["generator"]["properties"]
    assert generator["face"]["enum"] == list(FACE_SPECS)
    assert generator["audio"]["properties"]["name"]["enum"] == list(AUDIO_SPECS)
    assert generator["audio"]["properties"]["feature_size"]["enum"] == [s.feature_size for s in AUDIO_SPECS.values()]
    assert generator["width"]["maximum"] == manifest_reader.MOST_WIDTH
    assert set(SCHEMA["properties"]["fps"]["enum"]) == {spec.fps for spec in AUDIO_SPECS.values()}


def test_text_is_what_people_write() -> None:
    assert is_text("Zoë\N{NO-BREAK SPACE}& 👩\N{ZERO WIDTH JOINER}🔬")
    assert is_text("a\nb\tc", lines=True)
    for control in ("\n", "\x1b", "\x7f", "\x9b", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}", "\ud800"):
        assert not is_text(f"a{control}b")
