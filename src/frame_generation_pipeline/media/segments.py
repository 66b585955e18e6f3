"""Keep the encoded images of a part of a video in a file, so that they are encoded only once.

A segment is a file of records, one for each packet: presentation and decoding time in frames from the segment's first
one, whether decoding can begin there, and the packet's bytes. At its end are the number of frames and a SHA-256 of all
records.
"""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, cast

from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from frame_generation_pipeline.files.regular import is_regular
from frame_generation_pipeline.media.images import FrameEncoding

SECONDS = 10  # seconds of video in a segment, which is x264's default distance of key frames at 25 frames a second
RECORD = struct.Struct(">qqBI")  # pts, dts, key frame or not, bytes that follow
DECODERS = {"libx264": "h264", "libvpx-vp9": "vp9"}  # by the encoder
END = struct.Struct(">I32s")  # frames, SHA-256


class SegmentWriter:
    """Writes a segment to `path`, under another name until it is complete."""

    def __init__(self, path: Path) -> None:
        self._path, self._temporary = path, path.with_suffix(".new")
        self._temporary.unlink(missing_ok=True)  # of a run that ended; a link is never followed
        self._file = self._temporary.open("xb")
        self._hash = hashlib.sha256()

    def write(self, packet: "Packet[Any]") -> None:
        """Append an encoded packet. Raises OSError."""
        data = bytes(packet)
        assert packet.pts is not None
        assert packet.dts is not None
        for part in (RECORD.pack(packet.pts, packet.dts, packet.is_keyframe, len(data)), data):
            self._hash.update(part)
            self._file.write(part)

    @property
    def digest(self) -> bytes:
        """SHA-256 of everything written so far."""
        return self._hash.digest()

    def complete(self, frames: int) -> None:
        """Give the file its name. frames: the number of its frames. Raises OSError."""
        self._file.write(END.pack(frames, self.digest))
        self._file.close()
        self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the incomplete file."""
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def segment_frames(path: Path, digest: bytes | None = None) -> int:
    """The number of frames of a segment; 0 if it is missing or damaged. Raises OSError.

    digest: that of `SegmentWriter`; a segment with another one counts as damaged.
    """
    if not is_regular(path):  # reading a pipe would wait for ever
        return 0
    try:
        with path.open("rb") as file:
            left = file.seek(0, 2) - END.size
            file.seek(0)
            found = hashlib.sha256()
            while left > 0 and (data := file.read(min(left, 2**20))):
                found.update(data)
                left -= len(data)
            end = file.read()
    except FileNotFoundError:
        return 0
    if left or len(end) != END.size:
        return 0
    frames, stated = END.unpack(end)
    return int(frames) if stated == found.digest() and digest in (None, stated) else 0


def read_segment(path: Path, first: int, rate: Fraction) -> "Iterator[Packet[Any]]":
    """Yield the packets of a complete segment in decoding order; one is in memory at a time.

    first: the number of the segment's first frame in the video of `rate` frames a second. Raises OSError.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2) - END.size
        file.seek(0)
        while file.tell() < end:
            pts, dts, key, size = RECORD.unpack(file.read(RECORD.size))
            packet = Packet(file.read(size))
            packet.pts, packet.dts, packet.duration = first + pts, first + dts, 1
            packet.time_base, packet.is_keyframe = 1 / rate, bool(key)
            yield packet


def is_decodable(path: Path, frames: int, encoding: FrameEncoding) -> bool:
    """Whether a complete segment decodes to `frames` images of the encoding's size, one at each time.

    Raises OSError.
    """
    encoder = encoding.new_encoder()
    encoder.open()
    decoder = cast(VideoCodecContext, CodecContext.create(DECODERS[encoding.codec], "r"))
    decoder.extradata = encoder.extradata
    size = tuple(side + side % 2 for side in encoding.size)
    times: list[int | None] = []
    try:
        for packet in chain(read_segment(path, 0, encoding.fps), [None]):
            for shown in decoder.decode(packet):
                if shown.is_corrupt or (shown.width, shown.height) != size:
                    return False
                times.append(shown.pts)
    except (FFmpegError, struct.error, OverflowError, ValueError):
        return False
    return times == list(range(frames))
