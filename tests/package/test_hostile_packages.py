"""Packages that somebody made to do harm, or that broke on their way: each is refused in one line."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import MissingFileError, PackageError
from frame_generation_pipeline.files.json_file import MOST_VALUES
from frame_generation_pipeline.making.pack import PackReport
from frame_generation_pipeline.package import manifest_reader, storage
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import MOST_FRAMES
from frame_generation_pipeline.package.verify import verify_package
from hostile.manifests import BOMB, MANIFESTS
from package.refusals import Edit, Replace, archived, jpg, png, refused


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


# Images


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (jpg(96, 128), "is 96x128 pixels; expected 128x96"),
        (png(128, 96), "is no jpg image"),
        (b"no image", "neither a JPEG nor a PNG"),
        (jpg(128, 96)[:-30], "damaged image"),
        (jpg(128, 96)[:200] + b"\xff\xd9", "damaged image|cannot be decoded"),
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
    refused(light, "preview.jpg is no jpg image")


def test_json_is_what_the_messages_quote(light: Path, edit: Edit) -> None:
    edit(lambda manifest: manifest.update(precision="\n\x1b[31m" + "x" * 10_000))
    refused(light, r"precision is '\\n\\x1b\[31mxxx")
    assert json.loads((light / "avatar.json").read_bytes())["precision"].startswith("\n")


def test_the_largest_manifest_is_below_the_bound() -> None:
    entry = '"frames/00000.jpg":{"size":1,"sha256":""},"parsing/00000.png":{"size":1,"sha256":""},[1,2,3],'
    per_frame = sum(map(entry.count, "[{,"))
    assert MOST_FRAMES * per_frame + 1000 < MOST_VALUES
