"""WAV files as programs stream them: several files one after another, or a header that knows the first piece alone.

FFmpeg reads what the first header states. Here such a file is read to its end, as one, without the headers inside.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET
from pathlib import Path
from typing import BinaryIO

from frame_generation_pipeline.errors import AudioError

RIFF = re.compile(rb"RIFF.{4}WAVE", re.DOTALL)
HEADER, CHUNK = 12, 8  # bytes
UNSTATED = 0xFFFF_FF00  # from this size on, and at 0, a header does not know how long its audio is
BLOCK = 2**20  # bytes that are searched at once
MOST_PIECES = 100_000


@dataclass(frozen=True)
class Pieces:
    """Where the samples of a WAV file lie."""

    head: bytes  # all before the first samples
    samples: tuple[tuple[int, int], ...]  # begin and end in the file, in bytes


def find_pieces(path: Path) -> Pieces | None:
    """Where the samples lie of a WAV file that holds more than its first header states; None for any other file.

    Raises AudioError for pieces of different formats, OSError.
    """
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        found: list[tuple[int, int]] = []
        head = form = b""
        place: int | None = 0
        longer = False  # than the headers state
        while place is not None and RIFF.match(_read(file, place, HEADER)) and len(found) < MOST_PIECES:
            layout, begin, stated = _samples(file, place, size)
            if begin is None:
                break
            if not found:
                head, form = _read(file, 0, begin), layout
            elif layout != form:
                raise AudioError(f"{path}: joins WAV files of different formats; convert them to one before")
            end, place = _end(file, begin, stated, size)
            longer = longer or (0 < stated < UNSTATED and end > begin + stated)
            found.append((begin, end))
    return Pieces(head, tuple(found)) if len(found) > 1 or longer else None


class JoinedWav:
    """The pieces as one WAV file, read-only; the file is open only while something is read of it."""

    def __init__(self, path: Path, pieces: Pieces) -> None:
        self._path, self._pieces = path, pieces
        self._starts = [len(pieces.head)]  # of each piece in the whole, and the whole's size
        for begin, end in pieces.samples:
            self._starts.append(self._starts[-1] + end - begin)
        size = min(self._starts[-1] - len(pieces.head), 2**32 - 1)
        self._head = pieces.head[:-4] + size.to_bytes(4, "little")
        self._place = 0

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, less only at the end."""
        stop = self._starts[-1] if size < 0 else min(self._place + size, self._starts[-1])
        parts = [self._head[self._place : stop]]
        self._place += len(parts[0])
        with self._path.open("rb") as file:
            while self._place < stop:
                piece = bisect_right(self._starts, self._place) - 1
                begin = self._pieces.samples[piece][0] + self._place - self._starts[piece]
                wanted = min(stop, self._starts[piece + 1]) - self._place
                part = _read(file, begin, wanted)
                if len(part) < wanted:  # somebody shortens the file
                    break
                parts.append(part)
                self._place += wanted
        return b"".join(parts)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a place in the whole."""
        self._place = max(0, offset + {SEEK_SET: 0, SEEK_CUR: self._place, SEEK_END: self._starts[-1]}[whence])
        return self._place

    def tell(self) -> int:
        """The place in the whole that is read next."""
        return self._place


def _samples(file: BinaryIO, place: int, size: int) -> tuple[bytes, int | None, int]:
    """The format of the WAV file at `place`, where its samples begin, if anywhere, and how many bytes it states."""
    form, place = b"", place + HEADER
    while place + CHUNK <= size:
        name, length = _chunk(file, place)
        if name == b"data":
            return form, place + CHUNK, length
        if name == b"fmt ":
            form = _read(file, place + CHUNK, min(length, 64))
        place += CHUNK + length + length % 2
    return form, None, 0


def _end(file: BinaryIO, begin: int, stated: int, size: int) -> tuple[int, int | None]:
    """Where the samples from `begin` on end, and where another WAV file follows, if one does."""
    end = begin + stated
    if stated < UNSTATED and end <= size:
        place = end + stated % 2
        for follows in (end, place):
            if RIFF.match(_read(file, follows, HEADER)):
                return end, follows
        while _is_chunk(file, place, size):  # what is said of the audio comes behind it
            place += CHUNK + _chunk(file, place)[1]
            place += place % 2
            if RIFF.match(_read(file, place, HEADER)):
                return end, place
        if place >= size or place > end + stated % 2 or size - end < CHUNK:
            return end, None
    found = _search(file, begin, size)
    return (size, None) if found is None else (found, found)


def _is_chunk(file: BinaryIO, place: int, size: int) -> bool:
    if place + CHUNK > size:
        return False
    name, length = _chunk(file, place)
    return all(32 <= letter < 127 for letter in name) and place + CHUNK + length <= size


def _chunk(file: BinaryIO, place: int) -> tuple[bytes, int]:
    head = _read(file, place, CHUNK)
    return head[:4], int.from_bytes(head[4:], "little")


def _search(file: BinaryIO, place: int, size: int) -> int | None:
    """Where the next WAV header is, from `place` on."""
    while place < size:
        if found := RIFF.search(_read(file, place, BLOCK + HEADER)):
            return place + found.start()
        place += BLOCK
    return None


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)
