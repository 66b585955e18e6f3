"""Face states of template frames, kept so that a frame seen again costs nothing: in memory or in a file."""

import hashlib
import os
import threading
import weakref
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file, writing
from frame_generation_pipeline.files.regular import open_regular
from frame_generation_pipeline.generator.program_backend import ProgramGenerator, ProgramState

MOST_MEMORY = 64 * 2**20  # bytes that are kept in memory at most, when nobody says how many
SHARE_OF_FREE = 4  # and never more than this part of what is free
KIND = b"framegen face states "  # with which every cache file begins, of whichever version
MAGIC = KIND + b"3\n"
ALIGNMENT = 64  # bytes; tensors begin at multiples of it
PAGE = 4096  # bytes; states fill whole pages, so that those of memory which nobody wrote take none


class FaceStates:
    """`ProgramGenerator.encode_face` with a memory; what it gives does not depend on what it kept.

    Frames 0, 1, ... up to the budget have a place, each is kept once it was needed, and the others are computed every
    time. Any number of threads may ask, and processes share a file.
    """

    def __init__(
        self,
        generator: ProgramGenerator,
        frames: int,
        *,
        budget: int | None = None,
        file: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        """States for the `frames` frames of a template.

        budget: bytes; without it a part of the free memory, or, in a file, as many as there are frames.
        file: keeps the states from one run to the next; `fingerprint` tells what they were made from, and a file of
        something else is replaced.

        Raises OutputError when the file cannot be written or has no room.
        """
        self._generator = generator
        self._record = _record(generator.state_tensors)
        if budget is None:
            budget = frames * self._record.itemsize if file else min(MOST_MEMORY, available_memory() // SHARE_OF_FREE)
        self.places = min(frames, budget // self._record.itemsize)
        self._file: _StateFile | None = None
        if file is None:
            self._kept = np.zeros(self.places, np.uint8)
            self._states = np.zeros(self.places, self._record)
        else:
            made_from = (fingerprint, str(self._record), str(self.places), onnxruntime.__version__)
            header = MAGIC + hashlib.sha256("\n".join(made_from).encode()).digest()
            self._file = _StateFile(file, header, self.places, self._record.itemsize)

    def encode_face(self, index: int, crop: npt.NDArray[np.uint8]) -> ProgramState:
        """The state of template frame `index`, whose crop is `crop` (h, w, 3) uint8 BGR.

        Raises OutputError when the file cannot be read or written any more.
        """
        if index >= self.places:
            return self._generator.encode_face(crop)
        if self._file is not None:
            found = np.empty(1, self._record)
            if self._file.read(index, found.view(np.uint8)):
                return self._state(found[0])
            kept = np.zeros(1, self._record)
            state = self._generator.encode_face(crop)
            for name, tensor in state.tensors.items():
                kept[name][0] = tensor
            self._file.write(index, kept.view(np.uint8))
            return state
        place = self._states[index]
        if self._kept[index]:
            return self._state(place)
        state = self._generator.encode_face(crop)
        for name, tensor in state.tensors.items():
            place[name] = tensor
        self._kept[index] = 1  # last, so that nobody sees half a state
        return state

    def _state(self, place: np.void) -> ProgramState:
        return ProgramState({name: place[name] for name in self._record.names or ()})


class _StateFile:
    """States in a file, each with its checksum. One that somebody changed or cut off is one that is not there.

    It is read and written, not mapped: a mapped file that another process cuts off would end this one.
    """

    _CHECK = 8  # bytes for each place: 1 and the checksum of its state, or 0 where none is kept

    def __init__(self, path: Path, header: bytes, places: int, size: int) -> None:
        """places: of `size` bytes each. Raises OutputError for a file that is not one of these, and without room."""
        self._path, self._places, self._size = path, places, size
        self._checks = len(header)
        self._first = _whole_pages(len(header) + places * self._CHECK)
        whole = self._first + places * size
        self._lock = threading.Lock()  # around each place in the file and what is read or written there
        with writing(path):
            if not self._fits(header, whole):
                with complete_file(path) as temporary, temporary.open("xb") as new:
                    new.write(header)
                    if hasattr(os, "posix_fallocate"):  # room that is missing shows now
                        os.posix_fallocate(new.fileno(), 0, whole)
                    new.truncate(whole)
            self._file = os.fdopen(open_regular(path, os.O_RDWR), "r+b", buffering=0)
        weakref.finalize(self, self._file.close)

    def read(self, index: int, into: npt.NDArray[np.uint8]) -> bool:
        """Fill `into` (size,) with the state of `index` as it was written; False where there is none."""
        with writing(self._path), self._lock:
            check = np.zeros(self._CHECK, np.uint8)
            there = self._read(self._checks + index * self._CHECK, check) and check.any()
            if not (there and self._read(self._first + index * self._size, into)):
                return False
        return check.tobytes() == self._check(into)

    def write(self, index: int, data: npt.NDArray[np.uint8]) -> None:
        """Keep a state (size,). Where two processes do so at once, they write the same."""
        with writing(self._path), self._lock:
            self._write(self._first + index * self._size, data.data)
            self._write(self._checks + index * self._CHECK, memoryview(self._check(data)))

    def _check(self, data: npt.NDArray[np.uint8]) -> bytes:
        """The CRC-32 of the sum of all pages, as numbers of 64 bits: eight times as fast as that of the state."""
        pages = np.add.reduce(data.view(np.uint64).reshape(-1, PAGE // 8), axis=0)
        return (1 << 32 | zlib.crc32(pages)).to_bytes(self._CHECK, "little")

    def _read(self, start: int, into: npt.NDArray[np.uint8]) -> bool:
        """Whether the file has as many bytes from `start` on as `into` takes."""
        self._file.seek(start)
        rest = into.data
        while rest and (count := self._file.readinto(rest)):
            rest = rest[count:]
        return not rest

    def _write(self, start: int, rest: memoryview) -> None:
        self._file.seek(start)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _fits(self, header: bytes, size: int) -> bool:
        """Whether the file holds states of the same origin. Raises OutputError when it is anything but such a file."""
        try:
            descriptor = open_regular(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        with os.fdopen(descriptor, "rb") as existing:
            begin = existing.read(len(header))
            if not begin.startswith(KIND):
                raise OutputError(f"{self._path}: exists and is no cache file of faces; choose another cache file")
            return begin == header and os.fstat(descriptor).st_size == size


def available_memory() -> int:
    """Bytes of memory that nobody uses, as far as the system tells."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # neither macOS nor Windows tell
        return SHARE_OF_FREE * MOST_MEMORY


def _record(tensors: Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]]) -> np.dtype[np.void]:
    """One state as a record of whole pages, its tensors aligned."""
    names, formats, offsets, end = [], [], [], 0
    for name, (dtype, shape) in tensors.items():
        names.append(name)
        formats.append((dtype, shape))
        offsets.append(end)
        end += -(-int(np.prod(shape)) * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": _whole_pages(end)})


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
