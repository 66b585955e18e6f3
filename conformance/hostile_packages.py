"""What somebody may do to a package: edits of a tiny one, and the stage of reading that refuses each."""

import base64
import hashlib
import io
import json
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hostile_programs import hostile_programs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from hostile.manifests import BOMB, MANIFESTS

# The stages in their order: where files are, the manifest, that the two agree, a file's bytes, then what is in them.
STORAGE, MANIFEST, LISTING, HASH, PROGRAMS, IMAGES, REST = (
    "storage",
    "manifest",
    "listing",
    "hash",
    "programs",
    "images",
    "rest",
)
BASE = "avatars/hubert-160"

Case = dict[str, Any]


def hostile_cases(base: Path) -> dict[str, Any]:
    """Edits of the folder `base`, each with the stage that refuses it and a part of Python's message."""
    manifest = (base / "avatar.json").read_bytes()
    cases = [
        *_manifests(manifest),
        *_folders(manifest),
        *(
            _case(program.name, PROGRAMS, program.message, write=_with(manifest, program.files(), program.change))
            for program in hostile_programs()
        ),
        *_images(manifest),
        *_rest(manifest),
        *_archives(base, manifest),
    ]
    return {"avatar": BASE, "cases": cases}


def _case(name: str, stage: str, message: str, **edits: Any) -> Case:
    return {"name": name, "stage": stage, "message": message, **edits}


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _repeated(piece: bytes, times: int, *, start: bytes = b"", end: bytes = b"") -> dict[str, Any]:
    """A large file in few words."""
    return {"start": _encoded(start), "piece": _encoded(piece), "times": times, "end": _encoded(end)}


def _with(
    manifest: bytes, files: dict[str, bytes], change: Callable[[dict[str, Any]], object] | None = None
) -> dict[str, str]:
    """The files and a manifest that lists them, encoded."""
    content = json.loads(manifest)
    for name, data in files.items():
        content["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if change:
        change(content)
    files = {"avatar.json": json.dumps(content).encode(), **files}
    return {name: _encoded(data) for name, data in files.items()}


def _manifests(manifest: bytes) -> Iterator[Case]:
    for name, (change, message) in MANIFESTS.items():
        content = json.loads(manifest)
        change(content)
        stage = {"bytes; expected 5": LISTING, "its bytes differ": HASH}.get(message, MANIFEST)
        if name in ("hash of a program", "other hash"):
            stage = HASH
        yield _case(name, stage, message, write={"avatar.json": _encoded(json.dumps(content).encode())})
    for name, data, message in (
        ("empty manifest", b"", "no JSON"),
        ("UTF-16", b"\xff\xfe{}", "no JSON"),
        ("deep lists", b"[" * 5_000 + b"]" * 5_000, "no JSON|not of the format"),
        ("field twice", b'{"format":"framegen-avatar",' + manifest.lstrip()[1:], "field twice"),
        ("a text", b'"framegen-avatar"', "not of the format"),
        ("something after the end", manifest + b"{}", "no JSON"),
        ("large number", manifest.replace(b'"count":4', b'"count":4' + b"0" * 400), "frame.count"),
    ):
        yield _case(name, MANIFEST, message, write={"avatar.json": _encoded(data)})
    start = manifest.rstrip()[:-1] + b',"more":['  # refused for their number before anybody takes memory for them
    for name, piece, end in (
        ("millions of lists", b"[],", b"[]]}"),
        ("millions of numbers", b"1,", b"1]}"),
        ("millions of fields", b'{"":1},', b"1]}"),
    ):
        repeated = _repeated(piece, 2_500_000 // (piece.count(b"[") + piece.count(b"{") + 1), start=start, end=end)
        yield _case(name, MANIFEST, "more than 1200000 values", repeat={"avatar.json": repeated})


def _folders(manifest: bytes) -> Iterator[Case]:
    yield _case("no manifest", STORAGE, "has no avatar.json", remove=["avatar.json"])
    for name in ("evil.py", "frames/evil.sh", "frames/00004.jpg", ".hidden"):
        yield _case(f"file {name}", LISTING, "which is not listed", write={name: _encoded(b"x")})
    yield _case("frame that is missing", LISTING, "lacks 'frames/00002.jpg'", remove=["frames/00002.jpg"])
    frame = "frames/00000.jpg"
    yield _case("frame that is a link", STORAGE, "is a link", remove=[frame], link={frame: "../preview.jpg"})
    yield _case("link beside it all", STORAGE, "is a link", link={"more": "avatar.json"})
    yield _case("folder in a folder", STORAGE, "is a folder", folder=["frames/more"])
    yield _case("empty folder", STORAGE, "empty folder", folder=["more"])


def _images(manifest: bytes) -> Iterator[Case]:
    def image(suffix: str, width: int, height: int, channels: int = 3) -> bytes:
        return cv2.imencode(suffix, np.zeros((height, width, channels), np.uint8))[1].tobytes()

    jpg = image(".jpg", 128, 96)
    for name, data, message in (
        ("frame of another size", image(".jpg", 96, 128), "is 96x128 pixels; expected 128x96"),
        ("PNG for a JPEG", image(".png", 128, 96), "is no jpg image"),
        ("no image", b"no image", "neither a JPEG nor a PNG"),
        ("image cut off", jpg[:-30], "damaged image"),
        ("image of 4 gigapixels", BOMB, "states 65535x65535 pixels"),
    ):
        yield _case(name, IMAGES, message, write=_with(manifest, {"frames/00003.jpg": data}))
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    progressive = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, 5])[1]
    empty_scan = b"\xff\xda\0\x08\1\1\0\1\x3f\0\0"
    scans = progressive.tobytes()[:-2] + 200 * empty_scan + b"\xff\xd9"
    for name in ("frames/00003.jpg", "preview.jpg"):
        yield _case(f"200 scans in {name}", IMAGES, "more than 64 scans", write=_with(manifest, {name: scans}))
    wide = image(".jpg", 600, 20)
    yield _case("large preview", IMAGES, "more than 512", write=_with(manifest, {"preview.jpg": wide}))


def _rest(manifest: bytes) -> Iterator[Case]:
    values = np.full((16, 2048), np.nan, "<f4").tobytes()
    change: Callable[[dict[str, Any]], object] = lambda content: content.update(rest=True)  # noqa: E731
    for name, stage, message, size in (
        ("rest without end", REST, "not finite", len(values)),
        ("short rest", MANIFEST, "rest.bin is not of", len(values) - 4),
    ):
        written = {"avatar.json": _with(manifest, {"rest.bin": values[:size]}, change)["avatar.json"]}
        yield _case(name, stage, message, write=written, repeat={"rest.bin": _repeated(values[:4], size // 4)})


def _archives(base: Path, manifest: bytes) -> Iterator[Case]:
    """Small archives: what is wrong with them is seen before anybody misses the other files."""
    preview = (base / "preview.jpg").read_bytes()[:200]

    def archive(*entries: tuple[str, bytes, dict[str, Any]]) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as target:
            for name, data, fields in (("avatar.json", manifest, {}), *entries):
                entry = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
                entry.filename = name
                for field, value in fields.items():
                    setattr(entry, field, value)
                target.writestr(entry, data)
        return file.getvalue()

    def patched(offset: int, value: bytes) -> bytes:
        data = archive(("preview.jpg", preview, {}))
        at = data.rindex(b"PK\1\2") + offset
        return data[:at] + value + data[at + len(value) :]

    def at_the_end(offset: int, value: bytes) -> bytes:
        data = archive(("preview.jpg", preview, {}))
        at = data.rindex(b"PK\5\6") + offset
        return data[:at] + value + data[at + len(value) :]

    def attributes(mode: int) -> dict[str, Any]:
        return {"external_attr": (mode | 0o777) << 16, "create_system": 3}

    deflated = {"compress_type": zipfile.ZIP_DEFLATED}
    twice: tuple[str, bytes, dict[str, int]] = ("preview.jpg", preview, {})
    cut = archive(("preview.jpg", preview, {}))
    for name, data, message in (
        ("entries twice", archive(twice, twice), "twice"),
        ("entry that is a link", archive(("preview.jpg", b"/etc/passwd", attributes(stat.S_IFLNK))), "is a link"),
        ("entry that is a pipe", archive(("preview.jpg", b"x", attributes(stat.S_IFIFO))), "is a link"),
        ("folder entry", archive(("frames/", b"", attributes(stat.S_IFDIR))), "is a link"),
        ("compressed", archive(("preview.jpg", b"\0" * 10_000, deflated)), "is compressed"),
        ("encrypted", patched(8, b"\1\0"), "is encrypted"),
        ("unknown method", patched(10, b"\x0e\0"), "is compressed"),
        ("two sizes", patched(20, b"\1\0\0\0"), "is compressed"),
        ("sizes beyond the archive", patched(20, b"\xff\xff\xff\x7f\xff\xff\xff\x7f"), "more bytes than there are"),
        ("header elsewhere", patched(42, b"\0\0\0\x7f"), "is not where"),
        ("header in the middle", patched(42, b"\5\0\0\0"), "is not where"),
        ("no archive", b"no archive", "is no readable archive"),
        ("empty archive", b"PK\5\6" + b"\0" * 18, "has no avatar.json"),
        ("archive cut off", cut[: len(cut) // 2], "is no readable archive"),
        ("one of two disks", at_the_end(4, b"\1\0"), "another number"),
        ("fewer entries than stated", at_the_end(8, b"\3\0\3\0"), "another number|is no readable archive"),
        ("more entries than stated", at_the_end(8, b"\1\0\1\0"), "another number"),
        ("two numbers of entries", at_the_end(10, b"\1\0"), "another number"),
        ("something before it", b"#!/bin/sh\n" + cut, "before or after its archive"),
        ("something after it", cut + b"x" * 30, "before or after its archive|is no readable archive"),
        ("two archives", cut + cut, "before or after its archive"),
        ("comment", cut[:-2] + b"\5\0hello", "has a comment"),
        ("comment with an end", cut[:-2] + b"\x16\0PK\5\6" + b"\0" * 18, "before or after its archive|has no avatar"),
    ):
        yield _case(f"archive: {name}", STORAGE, message, archive=_encoded(data))
    for entry in ("../evil.txt", "/tmp/evil.txt", "C:\\evil.txt", "AVATAR.json", "./avatar.json", "frames/00000.JPG"):
        data = archive((entry, b"x", {}))
        yield _case(f"archive: entry {entry}", LISTING, "which is not listed|lacks", archive=_encoded(data))
