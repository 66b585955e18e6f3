"""Keep numbered records of equal size, in memory or in a file for later runs."""

import os
import threading
import weakref
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file, writing
from frame_generation_pipeline.files.regular import open_regular

ALIGNMENT = 64  # bytes; a record's arrays begin at multiples of it
PAGE = 4096  # bytes; records fill whole pages, so that unwritten ones take no memory

Fields = Sequence[tuple[str, npt.DTypeLike, tuple[int, ...]]]  # name, element type and shape of each array


def record_type(fields: Fields) -> np.dtype[np.void]:
    """The type of a record with aligned arrays, which fills whole pages."""
    offsets, end = [], 0
    for _, dtype, shape in fields:
        offsets.append(end)
        end += -(-int(np.prod(shape)) * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
    formats = [(dtype, shape) for _, dtype, shape in fields]
    names = [name for name, _, _ in fields]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": _whole_pages(end)})


class Records(Protocol):
    """Records 0, 1, ... of one type. Any number of threads may call."""

    @property
    def kind(self) -> np.dtype[np.void]:
        """The type of each record."""

    @property
    def places(self) -> int:
        """The number of records that can be kept: 0 to `places` - 1."""

    def find(self, index: int) -> np.void | None:
        """The kept record `index`, read-only; None if there is none."""

    def keep(self, index: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep these arrays as record `index` if it has a place; they may be shorter than the record's arrays."""


class MemoryRecords:
    """Records in memory; unwritten pages take none."""

    def __init__(self, kind: np.dtype[np.void], places: int) -> None:
        self.kind, self.places = kind, places
        self._kept, self._records = np.zeros(places, np.uint8), np.zeros(places, kind)

    def find(self, index: int) -> np.void | None:
        """See `Records.find`."""
        return self._records[index] if index < self.places and self._kept[index] else None

    def keep(self, index: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """See `Records.keep`."""
        if index < self.places:
            _fill(self._records[index], arrays)
            self._kept[index] = 1  # last, so that no thread sees an incomplete record


class FileRecords:
    """Records of one type in a `RecordFile`."""

    def __init__(self, file: "RecordFile", part: int, kind: np.dtype[np.void]) -> None:
        self.kind, self.places = kind, file.places
        self._file, self._part = file, part

    def find(self, index: int) -> np.void | None:
        """See `Records.find`. Raises OutputError if the file cannot be read any more."""
        record = np.empty(1, self.kind)
        there = index < self.places and self._file.read(self._part, index, record.view(np.uint8))
        return record[0] if there else None

    def keep(self, index: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """See `Records.keep`. Raises OutputError if the file cannot be written any more."""
        if index < self.places:
            record = np.zeros(1, self.kind)
            _fill(record[0], arrays)
            self._file.write(self._part, index, record.view(np.uint8))


class RecordFile:
    """Records in a file, each with a checksum; a record that was changed or cut off counts as missing.

    The file is not mapped, because a mapped file that another process truncates would end this process.
    """

    _CHECK = 8  # bytes for each place: 1 and the checksum of its record, or 0 where none is kept

    def __init__(self, path: Path, kind: bytes, header: bytes, places: int, sizes: Sequence[int]) -> None:
        """kind: the beginning of the header of such files, of any version.

        places: the number of records in each part; the records of the parts have `sizes` bytes. Raises OutputError for
        a file of another kind, and if the disk has no room.
        """
        self._path, self.places, self._sizes, self._checks = path, places, sizes, len(header)
        self._firsts = [_whole_pages(len(header) + len(sizes) * places * self._CHECK)]
        for size in sizes:
            self._firsts.append(self._firsts[-1] + places * size)
        whole = self._firsts[-1]
        self._lock = threading.Lock()  # held from seeking to the end of reading or writing
        with writing(path):
            if not self._fits(kind, header, whole):
                with complete_file(path) as temporary, temporary.open("xb") as new:
                    new.write(header)
                    if hasattr(os, "posix_fallocate"):  # raises now if the disk has no room
                        os.posix_fallocate(new.fileno(), 0, whole)
                    new.truncate(whole)
            self._file = os.fdopen(open_regular(path, os.O_RDWR), "r+b", buffering=0)
        weakref.finalize(self, self._file.close)

    def read(self, part: int, index: int, into: npt.NDArray[np.uint8]) -> bool:
        """Fill `into` with record `index` of `part`; returns False if there is none."""
        check_at, data_at = self._places(part, index)
        with writing(self._path), self._lock:
            check = np.zeros(self._CHECK, np.uint8)
            there = self._read(check_at, check) and check.any()
            if not (there and self._read(data_at, into)):
                return False
        return check.tobytes() == self._check(into)

    def write(self, part: int, index: int, data: npt.NDArray[np.uint8]) -> None:
        """Keep a record; if two processes do so at once, they write the same bytes."""
        check_at, data_at = self._places(part, index)
        with writing(self._path), self._lock:
            self._write(data_at, data.data)
            self._write(check_at, memoryview(self._check(data)))

    def _places(self, part: int, index: int) -> tuple[int, int]:
        """The positions of a record's checksum and of the record."""
        check = self._checks + (part * self.places + index) * self._CHECK
        return check, self._firsts[part] + index * self._sizes[part]

    def _check(self, data: npt.NDArray[np.uint8]) -> bytes:
        """The CRC-32 of the sum of all pages as 64-bit numbers, eight times as fast as that of the record."""
        pages = np.add.reduce(data.view(np.uint64).reshape(-1, PAGE // 8), axis=0)
        return (1 << 32 | zlib.crc32(pages)).to_bytes(self._CHECK, "little")

    def _read(self, start: int, into: npt.NDArray[np.uint8]) -> bool:
        """Fill `into` from `start` on; returns whether the file has enough bytes."""
        self._file.seek(start)
        rest = into.data
        while rest and (count := self._file.readinto(rest)):
            rest = rest[count:]
        return not rest

    def _write(self, start: int, rest: memoryview) -> None:
        self._file.seek(start)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _fits(self, kind: bytes, header: bytes, size: int) -> bool:
        """Whether the file holds records of the same origin. Raises OutputError if it is not such a file."""
        try:
            descriptor = open_regular(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        with os.fdopen(descriptor, "rb") as existing:
            begin = existing.read(len(header))
            if not begin.startswith(kind):
                raise OutputError(f"{self._path}: exists and is no cache file of faces; choose another cache file")
            return begin == header and os.fstat(descriptor).st_size == size


def _fill(record: np.void, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, array in arrays.items():
        record[name][: len(array)] = array


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
