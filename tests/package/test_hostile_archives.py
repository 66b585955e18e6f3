"""Archives that somebody made to do harm, or that broke on their way: each is refused in one line."""

import stat
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.errors import PackageError
from frame_generation_pipeline.package import storage
from frame_generation_pipeline.package.load import open_package
from package.refusals import archived, refused


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
