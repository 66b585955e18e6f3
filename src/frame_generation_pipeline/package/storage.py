"""Find and read the files of a package, in a folder or a zip archive, without trusting either.

An archive's files are stored as they are, so each is a range of the archive: no entry unpacks to more than its size.
"""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from frame_generation_pipeline.package.refusal import Refusal, shown

MOST_FILES = 250_000  # two images for each of 100,000 frames, and others
MOST_DIRECTORY = 32 * 2**20  # bytes of an archive's directory, which is read as a whole

# The end of an archive: a signature, two numbers of disks, two of entries, size and start of the directory, the length
# of a comment. Large archives have a second such record before it, followed by a pointer with its own signature.
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4s12x2L4Q4s16x")
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra field
_ENCRYPTED = 0x1  # in an entry's flags
_FOLDER_ATTRIBUTE = 0x10  # of MS-DOS, in an entry's external attributes


@dataclass(frozen=True)
class FileRange:
    """The place of a file's bytes in a file on disk."""

    path: Path
    start: int
    size: int

    def read(self) -> bytes:
        """The bytes, never more than `size` even if the file grows. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


def find_files(path: Path) -> dict[str, FileRange]:
    """Find every file of the folder or archive `path`; names have `/` between a folder and a file.

    Raises Refusal for links, special files, folders in folders and empty folders; in archives also for repeated names,
    compressed or encrypted entries, and bytes before or after the archive. Raises OSError if reading fails.
    """
    files: dict[str, FileRange] = {}
    for name, file in _in_folder(path) if path.is_dir() else _in_archive(path):
        if name in files:
            raise Refusal(f"holds {shown(name)} twice")
        files[name] = file
        if len(files) > MOST_FILES:
            raise Refusal(f"holds more than {MOST_FILES} files")
    return files


def _in_folder(folder: Path, prefix: str = "") -> Iterator[tuple[str, FileRange]]:
    empty = True
    with os.scandir(folder) as entries:
        for entry in entries:
            empty, name = False, prefix + entry.name
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) and not _is_junction(found):
                if prefix:
                    raise Refusal(f"{shown(name)} is a folder; expected files in {shown(prefix)}")
                yield from _in_folder(folder / entry.name, f"{name}/")
            elif stat.S_ISREG(found.st_mode):
                yield name, FileRange(folder / entry.name, 0, found.st_size)
            else:
                raise Refusal(f"{shown(name)} is a link or no file; expected the file itself")
    if empty:
        raise Refusal(f"{shown(prefix or '.')} is an empty folder")


def _is_junction(found: os.stat_result) -> bool:
    """Whether this is Windows' other kind of link between folders."""
    return bool(getattr(found, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT)


class _Bounded(io.FileIO):
    """A file that refuses to read more than a directory at once, because `zipfile` believes any stated size."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MOST_DIRECTORY:
            raise Refusal(f"its archive's directory takes {size} bytes; at most {MOST_DIRECTORY} are expected")
        return super().read(size)


def _in_archive(path: Path) -> Iterator[tuple[str, FileRange]]:
    if not path.is_file():  # reading a pipe would wait for ever
        raise Refusal("is no regular file")
    with _Bounded(path) as file:
        try:
            entries = zipfile.ZipFile(file).infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError) as error:
            raise Refusal(f"is no readable archive ({shown(str(error))})") from error
        size = os.fstat(file.fileno()).st_size
        _check_ends(file, size, len(entries))
        if sum(entry.compress_size for entry in entries) > size:
            raise Refusal("has an archive's directory that states more bytes than there are")
        for entry in entries:
            yield entry.orig_filename, _in_entry(path, file, size, entry)


def _check_ends(file: io.FileIO, size: int, count: int) -> None:
    """Refuse bytes before or after the archive of `count` entries in the file of `size` bytes.

    Different readers would find different archives in such a file.
    """
    start = size - _END.size
    file.seek(start)
    signature, *numbers, comment = _END.unpack(file.read(_END.size))
    if start >= _END_64.size:
        file.seek(start - _END_64.size)
        signature_64, *numbers_64, pointer = _END_64.unpack(file.read(_END_64.size))
        if (signature_64, pointer) == (b"PK\6\6", b"PK\6\7"):
            start, numbers = start - _END_64.size, numbers_64
    *disks_and_counts, length, offset = numbers
    if signature != b"PK\5\6" or comment or offset + length != start:
        raise Refusal("has a comment, or something before or after its archive; pack the files alone (zip -0)")
    if disks_and_counts != [0, 0, count, count]:
        raise Refusal(f"has {count} files in its archive's directory, and states another number")


def _in_entry(path: Path, file: io.FileIO, size: int, entry: zipfile.ZipInfo) -> FileRange:
    """The place of the data of `entry` in the archive of `size` bytes. Refuses all but plain files."""
    name, mode = shown(entry.orig_filename), entry.external_attr >> 16
    if entry.flag_bits & _ENCRYPTED:
        raise Refusal(f"{name} is encrypted")
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise Refusal(f"{name} is compressed; expected entries that are stored as they are (zip -0)")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or entry.external_attr & _FOLDER_ATTRIBUTE:
        raise Refusal(f"{name} is a link, a folder or no file; expected files alone")
    if 0 <= entry.header_offset <= size - _LOCAL_HEADER.size:
        file.seek(entry.header_offset)
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        start = entry.header_offset + _LOCAL_HEADER.size + int(name_length) + int(extra_length)
        if signature == b"PK\3\4" and start + entry.file_size <= size:
            return FileRange(path, start, entry.file_size)
    raise Refusal(f"{name} is not where the archive's directory says")
