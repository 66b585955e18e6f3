"""Read the size of a JPEG or PNG file without decoding it, which checks thousands of frames in a second."""

import re
from pathlib import Path
from typing import BinaryIO

from frame_generation_pipeline.errors import TemplateError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 2**27  # of an image, 16384x8192; more is a mistake or an attack on the memory
MOST_SEGMENTS = 10_000  # of a JPEG before its size
JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
# Start-of-frame markers (ITU-T T.81, table B.1), which have the size. C4, C8 and CC are other segments.
JPEG_MARKER = re.compile(rb"\xff+[^\x00\x01\xd0-\xd8\xff]", re.DOTALL)  # all but those without a segment
MOST_SCANS = 64  # of a JPEG; progressive ones have about ten
JPEG_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels of an image that is complete to its last byte.

    Raises TemplateError when the file is neither JPEG nor PNG, states an impossible size or is cut off.
    """
    if not Path(path).is_file():  # reading a pipe would wait for ever
        raise TemplateError(f"{path}: no such image; expected a JPEG or PNG file")
    try:
        with Path(path).open("rb") as file:
            return complete_size(file, path)
    except OSError as error:
        raise TemplateError(f"{path}: a damaged image") from error


def complete_size(file: BinaryIO, name: str | Path) -> tuple[int, int]:
    """Return and raise as `image_size` does, for an image that is open at its start; `name` is for messages."""
    size = stated_size(file, name)
    file.seek(0)
    complete = _tail(file, 12)[4:8] == b"IEND" if file.read(8) == PNG_SIGNATURE else JPEG_END in _tail(file, 64)
    if not complete:
        raise TemplateError(f"{name}: a damaged image, its end is missing")
    return size


def stated_size(file: BinaryIO, name: str | Path) -> tuple[int, int]:
    """Return and raise as `complete_size` does, without reading the image's end."""
    try:
        start = file.read(8)
        if start == PNG_SIGNATURE:
            width, height = _png_size(file)
        elif start[:2] == JPEG_START:
            width, height = _jpeg_size(file)
        else:
            raise TemplateError(f"{name}: neither a JPEG nor a PNG image")
    except EOFError as error:
        raise TemplateError(f"{name}: a damaged image") from error
    if not 0 < width * height <= MOST_PIXELS:
        raise TemplateError(f"{name}: states {width}x{height} pixels; expected an image of at most {MOST_PIXELS}")
    return width, height


def without_excess(data: bytes, name: str | Path) -> bytes:
    """A PNG image up to its end, each of its chunks being as long as it says; other data as they are.

    OpenCV believes the length of any chunk, also of one after the end, and takes the memory before it looks; and it
    goes through a whole JPEG once more for each of its scans, however little is in them. Raises TemplateError, for a
    JPEG of too many scans too.
    """
    # Counting the bytes that begin a scan, wherever they stand, is a hundred times as fast as finding the scans.
    if data.startswith(JPEG_START) and data.count(JPEG_SCAN) > MOST_SCANS and _jpeg_scans(data) > MOST_SCANS:
        raise TemplateError(f"{name}: is encoded in more than {MOST_SCANS} scans; save it as an ordinary JPEG")
    at, kind = len(PNG_SIGNATURE), b""
    while data.startswith(PNG_SIGNATURE) and at < len(data) and kind != b"IEND":
        kind = data[at + 4 : at + 8]
        at += 12 + int.from_bytes(data[at : at + 4], "big")  # length, kind, content, CRC
        if at > len(data):
            raise TemplateError(f"{name}: a damaged image, it is cut off after {len(data)} bytes")
    return data[:at] if kind == b"IEND" else data


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise EOFError
    return data


def _tail(file: BinaryIO, count: int) -> bytes:
    end = file.seek(0, 2)
    file.seek(max(0, end - count))
    return file.read()


def _png_size(file: BinaryIO) -> tuple[int, int]:
    header = _read(file, 16)  # length, "IHDR", width, height
    if header[4:8] != b"IHDR":
        raise EOFError
    return int.from_bytes(header[8:12], "big"), int.from_bytes(header[12:16], "big")


def _jpeg_scans(data: bytes) -> int:
    """How many scans a JPEG has up to its end, of which none are counted in what its segments hold; MOST_SCANS + 1
    stands for all numbers above."""
    at, scans = len(JPEG_START), 0
    while scans <= MOST_SCANS and (found := JPEG_MARKER.search(data, at)):
        kind, at = found[0][-1], found.end()
        if kind == 0xD9:
            break
        scans += kind == 0xDA
        at += int.from_bytes(data[at : at + 2], "big")
    return scans


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    file.seek(2)
    for _ in range(MOST_SEGMENTS):
        marker = _read(file, 2)
        if marker == b"\xff\xff":  # fill bytes may precede a marker
            file.seek(-1, 1)
            continue
        if marker[0] != 0xFF:
            break
        length = int.from_bytes(_read(file, 2), "big")
        if marker[1] in JPEG_FRAME:
            _, height, width = _read(file, 1), _read(file, 2), _read(file, 2)
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        file.seek(length - 2, 1)
    raise EOFError
