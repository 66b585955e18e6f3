"""Packages that somebody made to do harm, or that broke on their way: each is refused in one line."""

import hashlib
import json
import os
import shutil
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import MissingFileError, PackageError
from frame_generation_pipeline.files.json_file import MOST_VALUES
from frame_generation_pipeline.making.pack import PackReport
from frame_generation_pipeline.package import manifest_reader, storage
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.verify import verify_package

Manifest = dict[str, Any]
Edit = Callable[[Callable[[Manifest], object]], None]
Replace = Callable[[str, bytes], None]


def refused(path: Path, message: str) -> None:
    """Verification refuses `path` in one line, and nothing is written beside it."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(PackageError, match=message) as caught:
        verify_package(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.isprintable()
    assert len(text) < 600
    assert sorted(path.parent.rglob("*")) == before


def archived(folder: Path, *more: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """The folder as an archive, with further entries."""
    path = folder.with_suffix(".avatar")
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        for name, data in more:
            archive.writestr(name, data)
    return path


def png(width: int, height: int) -> bytes:
    return cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def jpg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def test_rest_that_is_none(packed: PackReport, tmp_path: Path) -> None:
    path = Path(shutil.copytree(packed.path, tmp_path / "may"))
    manifest = json.loads((path / "avatar.json").read_bytes())
    values = np.full((16, 512), np.nan, "<f4").tobytes()
    for data, message in ((values, "not finite"), (values[:-4], "not of 32768 bytes")):
        (path / "rest.bin").write_bytes(data)
        manifest["files"]["rest.bin"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (path / "avatar.json").write_text(json.dumps(manifest))
        refused(path, message)


def test_untouched(light: Path) -> None:
    verify_package(light)
    verify_package(archived(light))


MANIFESTS: dict[str, tuple[Callable[[Manifest], object], str]] = {
    "another format": (lambda m: m.update(format="zip"), "not of the format"),
    "no format": (lambda m: m.pop("format"), "not of the format"),
    "newer version": (lambda m: m.update(version=4), "version 4"),
    "older version with newer fields": (lambda m: m.update(version=1), "expected an object with"),
    "unknown blend": (lambda m: m.update(blend="hard"), "blend is 'hard'"),
    "rest that is not there": (lambda m: m.update(rest=True), "does not list 'rest.bin'"),
    "version true": (lambda m: m.update(version=True), "version True"),
    "missing field": (lambda m: m.pop("boxes"), "expected an object with"),
    "additional field": (lambda m: m.update(extra=1), "expected an object with"),
    "additional field inside": (lambda m: m["frame"].update(depth=8), "frame is"),
    "list for an object": (lambda m: m.update(frame=[1, 2]), "frame is"),
    "name is a number": (lambda m: m.update(name=5), "name is 5"),
    "terminal escape in the name": (lambda m: m.update(name="\x1b[2J"), "control characters"),
    "line break in the credits": (lambda m: m.update(credits=["a\nb"]), "control characters"),
    "half a character": (lambda m: m.update(licence="\ud800"), "control characters"),
    "endless name": (lambda m: m.update(name="x" * 100_001), "moderate length"),
    "credits are a text": (lambda m: m.update(credits="May"), "credits is 'May'"),
    "other fps": (lambda m: m.update(fps=30), "fps is 30"),
    "fps as a float": (lambda m: m.update(fps=25.0), "fps is 25.0"),
    "unknown face": (lambda m: m["generator"].update(face="512"), "generator.face"),
    "unhashable face": (lambda m: m["generator"].update(face={}), "generator.face"),
    "unknown audio": (lambda m: m["generator"]["audio"].update(name="mfcc"), "generator.audio.name"),
    "wrong feature size": (lambda m: m["generator"]["audio"].update(feature_size=511), "feature_size"),
    "width true": (lambda m: m["generator"].update(width=True), "generator.width is True"),
    "negative width": (lambda m: m["frame"].update(width=-128), "frame.width is -128"),
    "huge width": (lambda m: m["frame"].update(width=8193), "frame.width is 8193"),
    "huge count": (lambda m: m["frame"].update(count=10**30), "frame.count"),
    "count and boxes differ": (lambda m: m["frame"].update(count=3), "4 boxes for 3 frames"),
    "not a number": (lambda m: m["frame"].update(height=float("nan")), "NaN is no number"),
    "unknown picture format": (lambda m: m["frame"].update(format="gif"), "frame.format"),
    "box outside": (lambda m: m["boxes"].__setitem__(2, [104, 20, 50]), "box for frame 2: the middle of .* outside"),
    "box beyond the edge in an older version": (
        lambda m: (m.update(version=2), m["boxes"].__setitem__(2, [100, 20, 50])),
        "box for frame 2: it leaves the picture",
    ),
    "box too small": (lambda m: m["boxes"].__setitem__(0, [0, 0, 0]), "box for frame 0"),
    "negative box": (lambda m: m["boxes"].__setitem__(0, [-8193, 0, 50]), "boxes is -8193"),
    "box of two numbers": (lambda m: m["boxes"].__setitem__(0, [1, 50]), "boxes is"),
    "parsing is a number": (lambda m: m.update(parsing=1), "parsing is 1"),
    "parsing without pictures": (lambda m: m.update(parsing=True), "does not list 'parsing/00000.png'"),
    "unknown precision": (lambda m: m.update(precision="int4"), "precision"),
    "absolute path": (lambda m: m["programs"].update(face="/etc/passwd"), "programs.face"),
    "path out of the package": (lambda m: m["programs"].update(render="../render.onnx"), "programs.render"),
    "no render program": (lambda m: m["programs"].pop("render"), "programs is"),
    "unknown program": (lambda m: m["programs"].update(install="programs/install.onnx"), "programs is"),
    "audio program that is not there": (lambda m: m["programs"].update(audio="programs/audio.onnx"), "does not list"),
    "files are a list": (lambda m: m.update(files=[]), "files is"),
    "listed path leads out": (lambda m: m["files"].update({"../x": m["files"]["preview.jpg"]}), "lists '../x'"),
    "listed path with a drive": (lambda m: m["files"].update({"C:\\x": m["files"]["preview.jpg"]}), "no package has"),
    "listed path with NUL": (lambda m: m["files"].update({"a\0b": m["files"]["preview.jpg"]}), "no package has"),
    "file not listed": (lambda m: m["files"].pop("frames/00001.jpg"), "does not list 'frames/00001.jpg'"),
    "negative size": (lambda m: m["files"]["preview.jpg"].update(size=-1), "whole number"),
    "size beyond everything": (lambda m: m["files"]["preview.jpg"].update(size=2**62), "whole number"),
    "other size": (lambda m: m["files"]["preview.jpg"].update(size=5), "bytes; expected 5"),
    "other hash": (lambda m: m["files"]["preview.jpg"].update(sha256="0" * 64), "its bytes differ"),
    "hash of a program": (lambda m: m["files"]["programs/face.onnx"].update(sha256="0" * 64), "its bytes differ"),
    "no hash": (lambda m: m["files"]["preview.jpg"].update(sha256="abc"), "64 hexadecimal digits"),
    "short landmarks": (lambda m: m["files"]["landmarks.bin"].update(size=440), "bytes a frame"),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_manifest(kind: str, light: Path, edit: Edit) -> None:
    change, message = MANIFESTS[kind]
    edit(change)
    refused(light, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 200_000 + b"]" * 200_000, "no JSON"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "no JSON"),
        (b'{"format":"framegen-avatar","format":"framegen-avatar"}', "field twice"),
        (b'{"version":1' + b"0" * 5000 + b"}", "no JSON"),
        (b'"framegen-avatar"', "not of the format"),
    ],
)
def test_manifest_bytes(content: bytes, message: str, light: Path) -> None:
    (light / "avatar.json").write_bytes(content)
    refused(light, message)


def test_manifest_too_large(light: Path) -> None:
    with (light / "avatar.json").open("r+b") as file:
        file.truncate(manifest_reader.MOST_MANIFEST + 1)
    refused(light, "expected at most 64000000")


def test_files_of_too_many_bytes_in_all(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_reader, "MOST_TOTAL", 1000)
    refused(light, "more than 1000 bytes in all")


# Folders


def test_missing(tmp_path: Path, light: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        Avatar.load(tmp_path / "nowhere.avatar")
    (light / "avatar.json").rename(light / "avatar.txt")
    refused(light, "has no avatar.json")


@pytest.mark.parametrize("name", ["evil.py", "frames/evil.sh", "frames/00004.jpg", ".hidden", "a\nb"])
def test_file_that_is_not_listed(name: str, light: Path) -> None:
    (light / name).write_bytes(b"x")
    refused(light, "which is not listed")


def test_listed_file_is_missing(light: Path) -> None:
    (light / "frames" / "00002.jpg").unlink()
    refused(light, "lacks 'frames/00002.jpg'")


def test_links(light: Path, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    frame = light / "frames" / "00000.jpg"
    frame.rename(secret / "00000.jpg")
    frame.symlink_to(secret / "00000.jpg")
    refused(light, "'frames/00000.jpg' is a link")
    frame.unlink()
    shutil.copytree(light / "frames", secret / "frames")
    shutil.rmtree(light / "frames")
    (light / "frames").symlink_to(secret / "frames")
    refused(light, "'frames' is a link")


def test_no_files(light: Path) -> None:
    os.mkfifo(light / "pipe")
    refused(light, "'pipe' is a link or no file")
    (light / "pipe").unlink()
    (light / "frames" / "more").mkdir()
    refused(light, "'frames/more' is a folder")
    (light / "frames" / "more").rmdir()
    (light / "more").mkdir()
    refused(light, "'more/' is an empty folder")


def test_too_many_files(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST_FILES", 5)
    refused(light, "more than 5 files")
    refused(archived(light), "more than 5 files")


def test_file_that_changes_after_opening(light: Path) -> None:
    package = open_package(light)
    (light / "preview.jpg").write_bytes((light / "preview.jpg").read_bytes()[:-1] + b"x")
    with pytest.raises(PackageError, match=r"preview.jpg is not the file"):
        package.read("preview.jpg")
    (light / "preview.jpg").unlink()
    with pytest.raises(PackageError, match="cannot be read"):
        package.read("preview.jpg")


# Archives


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/tmp/evil.txt",
        "frames/../../evil.txt",
        "C:\\evil.txt",
        "frames\\evil.jpg",
        "avatar.json\0.txt",
        "AVATAR.json",
        "frames/00000.JPG",
        "frames/evil.jpg",
        "./avatar.json",
        "line\nbreak",
        "\x1b[2J",
    ],
)
def test_entry_of_another_name(name: str, light: Path) -> None:
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    refused(archived(light, (entry, b"x")), "which is not listed")


def test_entries_twice(light: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archived(light, ("preview.jpg", b"x"))
    refused(path, "holds 'preview.jpg' twice")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_entry_that_is_no_file(mode: int, light: Path) -> None:
    (light / "preview.jpg").unlink()
    entry = zipfile.ZipInfo("preview.jpg")
    entry.external_attr = (mode | 0o777) << 16
    refused(archived(light, (entry, b"/etc/passwd")), "'preview.jpg' is a link")


def test_folder_entry(light: Path) -> None:
    refused(archived(light, ("frames/", b"")), "'frames/' is a link, a folder")


def test_bomb(light: Path) -> None:
    zeros = b"\0" * 100_000_000
    (light / "preview.jpg").unlink()
    entry = zipfile.ZipInfo("preview.jpg")
    entry.compress_type = zipfile.ZIP_DEFLATED
    path = archived(light, (entry, zeros))
    del zeros
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    try:
        refused(path, "'preview.jpg' is compressed")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_file_that_is_larger_than_listed(light: Path) -> None:
    with (light / "preview.jpg").open("r+b") as file:
        file.truncate(50_000_000_000)  # takes no room on disk
    refused(light, "has 50000000000 bytes; expected")


def patched(path: Path, name: str, offset: int, value: bytes) -> None:
    """Overwrite bytes of the entry `name` in the archive's directory."""
    data = path.read_bytes()
    at = data.rindex(b"PK\1\2", 0, data.rindex(name.encode())) + offset
    path.write_bytes(data[:at] + value + data[at + len(value) :])


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, b"\1\0", "is encrypted"),
        (10, b"\x0e\0", "is compressed"),
        (20, b"\1\0\0\0", "is compressed"),
        (20, b"\xff\xff\xff\x7f\xff\xff\xff\x7f", "more bytes than there are"),
        (20, b"\x64\0\0\0\x64\0\0\0", "has 100 bytes; expected"),
        (42, b"\0\0\0\x7f", "is not where"),
        (42, b"\5\0\0\0", "is not where"),
    ],
)
def test_directory_that_lies(offset: int, value: bytes, message: str, light: Path) -> None:
    path = archived(light)
    patched(path, "preview.jpg", offset, value)
    refused(path, message)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\5\6" + b"\0" * 18, b"PK\3\4" + b"x" * 100])
def test_no_archive(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "may.avatar"
    path.write_bytes(content)
    refused(path, r"is no readable archive|has no avatar.json")


def test_archive_that_is_cut_off(light: Path) -> None:
    path = archived(light)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, "is no readable archive")


def test_directory_too_large(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST_DIRECTORY", 100)
    refused(archived(light), "directory takes [0-9]+ bytes; at most 100")


def test_damage_anywhere_is_refused(light: Path) -> None:
    """One byte changed at any of many places: refused, or of no consequence because no reader looks there."""
    path = archived(light)
    data, draw = path.read_bytes(), np.random.default_rng(1)
    directory = data.rindex(b"avatar.json") - 46
    places = [*draw.integers(0, len(data), 40), *draw.integers(directory, len(data), 150)]
    intact = {name: open_package(path).read(name) for name in open_package(path).files}
    for place in places:
        path.write_bytes(data[:place] + bytes([data[place] ^ int(draw.integers(1, 256))]) + data[place + 1 :])
        with suppress(PackageError):
            package = open_package(path)
            assert {name: package.read(name) for name in package.files} == intact


# Pictures

# A JPEG header of 4 gigapixels.
BOMB = b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08\xff\xff\xff\xff\3" + b"\0" * 20 + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (jpg(96, 128), "is 96x128 pixels; expected 128x96"),
        (png(128, 96), "is no jpg picture"),
        (b"no picture", "neither a JPEG nor a PNG"),
        (jpg(128, 96)[:-30], "damaged picture"),
        (jpg(128, 96)[:200] + b"\xff\xd9", "damaged picture|cannot be decoded"),
        (BOMB, "states 65535x65535 pixels"),
    ],
)
def test_frame(data: bytes, message: str, light: Path, replace: Replace) -> None:
    replace("frames/00003.jpg", data)
    refused(light, message)


def test_preview(light: Path, replace: Replace) -> None:
    replace("preview.jpg", BOMB)
    refused(light, "preview.jpg: states 65535x65535 pixels")
    replace("preview.jpg", jpg(600, 20))
    refused(light, "preview.jpg has a side of more than 512")
    replace("preview.jpg", png(64, 64))
    refused(light, "preview.jpg is no jpg picture")


def test_json_is_what_the_messages_quote(light: Path, edit: Edit) -> None:
    edit(lambda manifest: manifest.update(precision="\n\x1b[31m" + "x" * 10_000))
    refused(light, r"precision is '\\n\\x1b\[31mxxx")
    assert json.loads((light / "avatar.json").read_bytes())["precision"].startswith("\n")


def test_the_largest_manifest_is_below_the_bound() -> None:
    entry = '"frames/00000.jpg":{"size":1,"sha256":""},"parsing/00000.png":{"size":1,"sha256":""},[1,2,3],'
    per_frame = sum(map(entry.count, "[{,"))
    assert manifest_reader.MOST_FRAMES * per_frame + 1000 < MOST_VALUES
