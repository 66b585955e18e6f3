"""Read the frames of a video or a folder of images one by one, and read and write single images."""

import logging
import re
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from frame_generation_pipeline.errors import MissingFileError, OptionError, OutputError, TemplateError, VideoError
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.media.containers import open_media
from frame_generation_pipeline.media.display import Display
from frame_generation_pipeline.media.image_header import stated_size, without_excess
from frame_generation_pipeline.media.packets import placed_packets, video_stream
from frame_generation_pipeline.media.provenance import marked_image

logger = logging.getLogger(__name__)

IMAGES = (".png", ".jpg", ".jpeg")
MOST_BYTES = 2**28  # of an image file
MOST_VIDEO_PIXELS = 2**25  # of a video's images, 8192x4096; a decoder keeps up to sixteen of them
# Problems that decoders may not notice: a truncated file lacks the end mark of its format.
START_AND_END = {b"\x89PNG": (b"IHDR", b"IEND"), b"\xff\xd8\xff": (b"\xff\xda", b"\xff\xd9")}
WITHOUT_TIMES = {"avi"}  # formats, as FFmpeg names them, that store when packets come and not when frames are shown
USUAL_RATE = Fraction(25)  # frames a second of streams without times, as in FFmpeg


def read_frames(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the frames `(H, W, 3)` uint8 BGR of a video as a player shows them, or of an image or a numbered folder.

    Of a damaged video, what cannot be decoded is left out, see `read_timed_frames`.
    Raises `MissingFileError`, at the call, and `VideoError` for a damaged image or where there is none.
    """
    if path.is_dir():
        return (read_image(file) for file in frame_files(path).values())
    if not path.exists():
        raise MissingFileError(f"{path}: expected a video or a folder of images, found nothing; check the path")
    return iter([read_image(path)]) if path.suffix.lower() in IMAGES else _decode(path)


def frame_files(folder: Path) -> dict[int, Path]:
    """Return the PNG and JPEG files of a folder by the last number in their names, in its order.

    Raises `MissingFileError`, and `VideoError` where there are none, one has no number or two have the same.
    """
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: expected a folder of images, found none; check the path")
    files: dict[int, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in IMAGES or file.name.startswith("."):
            continue
        numbers = re.findall(r"[0-9]+", file.stem)
        if not numbers:
            raise VideoError(f"{file}: expected a number in the name of every image; rename it or move it away")
        other = files.setdefault(int(numbers[-1]), file)
        if other != file:
            raise VideoError(f"{file}: has the same number as {other.name}; remove one of them")
    if not files:
        raise VideoError(f"{folder}: expected {', '.join(IMAGES)} images, found none; choose another folder")
    return dict(sorted(files.items()))


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Return an image `(H, W, 3)` uint8 BGR, turned as its EXIF data says.

    Raises `MissingFileError`, and `VideoError` where the file cannot be read or is damaged or cut off.
    """
    try:
        if path.exists() and not path.is_file():
            raise VideoError(f"{path}: expected an image that can be read, found a folder or no file; check it")
        if path.stat().st_size > MOST_BYTES:
            raise VideoError(f"{path}: has {path.stat().st_size} bytes; expected an image of at most {MOST_BYTES}")
        data = path.read_bytes()
        stated_size(BytesIO(data), path)
        data = without_excess(data, path)
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: expected an image, found nothing; check the path") from error
    except TemplateError as error:
        raise VideoError(f"{error}; write or copy it again") from error
    except OSError as error:
        raise VideoError(f"{path}: expected an image that can be read ({error.strerror}); check the file") from error
    for signature, (start, end) in START_AND_END.items():
        # The last start counts, because a JPEG may contain a complete smaller one as its thumbnail.
        if data.startswith(signature) and data.rfind(end) < data.rfind(start):
            raise VideoError(f"{path}: the image is cut off after {len(data)} bytes; write or copy it again")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise VideoError(f"{path}: expected a PNG or JPEG image, cannot decode it; write or copy it again")
    return np.asarray(image, np.uint8)


def check_quality(quality: int) -> None:
    """Raise OptionError for an impossible JPEG quality."""
    if not 0 <= quality <= 100:
        raise OptionError(f"impossible JPEG quality {quality}; give 0 to 100 (best)")


def write_image(path: Path, image: npt.NDArray[np.uint8], quality: int = 95, *, provenance: bool = False) -> None:
    """Write `(H, W, 3)` uint8 BGR as `.png` or `.jpg`; the file gets its name when it is complete.

    quality: 0 to 100, for JPEG only. provenance: mark the file as generated, see `media.provenance`.

    Raises `OutputError` for another suffix or if the file cannot be written.
    """
    if path.suffix.lower() not in IMAGES:
        raise OutputError(f"{path}: unknown image suffix {path.suffix!r}; use one of {', '.join(IMAGES)}")
    # Only JPEG has a quality; PNG is compressed little, because speed matters more.
    png = path.suffix.lower() == ".png"
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1] if png else [cv2.IMWRITE_JPEG_QUALITY, quality]
    data = cv2.imencode(path.suffix.lower(), image, options)[1].tobytes()
    with complete_file(path) as temporary:
        temporary.write_bytes(marked_image(data) if provenance else data)


def read_timed_frames(path: Path) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    """Yield the frames of a video file, see `read_frames`, each with its time in seconds as the file has it.

    The times of joined files go on, see `packets.Clock`. After damage, frames up to the next key frame are left out,
    and a warning with their number is logged. Raises as `read_frames` does.
    """
    if not path.is_file():
        raise MissingFileError(f"{path}: expected a video, found none; check the path")
    return _decode_timed(path)


def _decode(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    return (image for _, image in _decode_timed(path))


def _decode_timed(path: Path) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    shown = False
    try:
        with open_media(path) as container:
            stream = video_stream(container)
            if stream is None:
                raise VideoError(f"{path}: expected a video stream, found none; give a video or a folder of images")
            if stream.codec_context is None:
                raise VideoError(f"{path}: its images are of a kind that cannot be decoded; convert it to MP4")
            stream.thread_type = "AUTO"
            stream.codec_context.options = {"max_pixels": str(MOST_VIDEO_PIXELS)}
            display = Display(path, stream)
            for time, image in _shown(_undamaged(container, stream, path), display, stream):
                shown = True
                yield time, image
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path}: expected a video that can be decoded ({error.strerror}); convert it to MP4"
        ) from error
    except ValueError as error:  # PyAV, for pixel formats without an array
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"{path}: expected a video that can be decoded ({error}); convert it to MP4") from error
    if not shown:
        raise VideoError(f"{path}: expected a video, found no frames; record or convert it again")


def _shown(
    frames: Iterator[VideoFrame], display: Display, stream: VideoStream
) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    """Yield images with their times; a stream without times has its rate."""
    step = float(1 / (stream.average_rate or stream.guessed_rate or USUAL_RATE))
    next_time = 0.0
    for time, image in chain(chain.from_iterable(map(display.push, frames)), display.flush()):
        time = next_time if time is None else time
        next_time = time + step
        yield time, image


class _StorageClock:
    """Gives frames the times at which a format stores their packets, where it stores no times of frames.

    FFmpeg guesses these, one or more frames late; a player shows the first frame when its packet comes.
    """

    def __init__(self, stream: VideoStream) -> None:
        stream.codec_context.flags |= Flags.copy_opaque
        self._delay: int | None = None  # of the decoder, from a frame's packet to the one with which it gives the frame

    def store(self, packet: "Packet[Stream]") -> None:
        """Mark the next packet, before it is decoded; by a new object, as PyAV mixes up marks that are the same."""
        packet.opaque = (packet.dts,)

    def place(self, frame: VideoFrame) -> None:
        """Give the next frame that was decoded its time; the last ones, which come without a packet, have none."""
        given, mark = frame.dts, frame.opaque
        if self._delay is None and given is not None and isinstance(mark, tuple):
            (stored,) = mark
            self._delay = None if stored is None else given - stored
        frame.pts = None if given is None or self._delay is None else given - self._delay


def _undamaged(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    """Yield the frames that can be decoded; after a damaged packet, none up to the next key frame."""
    beside = container.streams.best("audio")
    streams = [stream] if beside is None else [stream, beside]
    stored = given = 0
    damaged = waiting = False
    clock = _StorageClock(stream) if container.format.name in WITHOUT_TIMES else None
    for packet in placed_packets(container, streams):
        if packet.stream is not stream:
            continue
        stored += packet.size > 0
        if clock:
            clock.store(packet)
        try:
            frames = stream.decode(packet)
        except av.error.InvalidDataError:
            damaged = waiting = True
            continue
        for frame in frames:
            waiting = (waiting and not frame.key_frame) or frame.is_corrupt
            damaged = damaged or waiting
            if clock:
                clock.place(frame)
            if not waiting:
                given += 1
                yield frame
    if damaged:
        logger.warning("%s: is damaged; %d of about %d images are left out", path, max(stored - given, 1), stored)
