"""Write frames and sound as one video file: encoded while they arrive, under the final name only when complete."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from frame_generation_pipeline.cores import available_cores
from frame_generation_pipeline.errors import FrameGenerationError, OptionError, OutputError, VideoError
from frame_generation_pipeline.output import prepare_folder, temporary_beside
from frame_generation_pipeline.video.codecs import CONTAINERS, DEFAULT_PRESET
from frame_generation_pipeline.video.soundtrack import Soundtrack

FPS_RANGE = (1, 240)  # frames a second
MAX_SIDE = 16_384  # pixels; the most that H.264 and VP9 are encoded at
BT709 = 1  # primaries, transfer and matrix all have this number in ITU-T H.273
# ITU-R BT.709-6, 3.2 to 3.4: luma 16 to 235, chroma 16 to 240; rows Y, Cb, Cr of B, G, R and 1.
KR, KG, KB = 0.2126, 0.7152, 0.0722
BGR_TO_YUV = (
    np.array(
        [
            [219 * KB, 219 * KG, 219 * KR, 16 * 255],
            [112, -112 * KG / (1 - KB), -112 * KR / (1 - KB), 128 * 255],
            [-112 * KB / (1 - KR), -112 * KG / (1 - KR), 112, 128 * 255],
        ]
    )
    / 255
)


def check_output(path: Path) -> None:
    """Prove that a video can be written at `path`; its folder is created where missing, an existing file is left alone.

    Raises `OutputError` for an unknown suffix, a path that is a folder, or a folder that cannot be written to.
    """
    if path.suffix.lower() not in CONTAINERS:
        raise OutputError(f"{path}: unknown video suffix {path.suffix!r}; use one of {', '.join(CONTAINERS)}")
    if path.is_dir():
        raise OutputError(f"{path}: expected a video file to write, found a folder; give a file name inside it")
    prepare_folder(path.parent)


class VideoWriter:
    """A video file written frame by frame, with memory that does not grow; use it as a context manager.

    path: `.mp4`, `.m4v`, `.mov`, `.mkv` (H.264, AAC) or `.webm` (VP9, Opus). It is written under a temporary name in
    the same folder and takes its name when the `with` block ends; after any exception nothing is left, and a file that
    was there stays as it was.
    size: (width, height) of the frames; an odd side is made even by repeating the last column or row.
    fps: frames a second, 1 to 240. crf: quality, lower is better: 0 to 51 for H.264 (20), 0 to 63 for VP9 (32).
    preset: one of `codecs.PRESETS`. threads: of the video encoder, by default half the
    cores, for others make the frames; equal input and threads give equal bytes.
    audio_path: a file whose first audio stream is the sound from time 0; audio_start, audio_end cut it, in seconds.
    Sound is never cut to the picture: where it ends first, silence follows up to the end of the picture, and where it
    does not, it goes on without a picture; the caller writes frames up to its end.
    Colours are BT.709, limited range, and tagged so.

    Raises at construction `OutputError` as `check_output` does, `OptionError` for impossible options, and
    `MissingFileError` or `AudioError` for unusable sound; while writing `VideoError` for a frame that is not as
    announced, and `OutputError` where the file cannot be written or the block ends without a frame.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: int | float | Fraction,
        *,
        audio_path: Path | None = None,
        audio_start: float = 0.0,
        audio_end: float | None = None,
        crf: int | None = None,
        preset: str = DEFAULT_PRESET,
        threads: int | None = None,
    ) -> None:
        check_output(path)
        self._path, self._size, self._fps = path, size, exact_rate(fps)
        self._threads = threads or max(1, available_cores() // 2)
        self._format, self._codecs = CONTAINERS[path.suffix.lower()]
        self._options = self._codecs.video_options(crf, preset)
        if not all(1 <= side <= MAX_SIDE for side in size):
            raise OptionError(f"impossible frame size {size}; give a width and a height from 1 to {MAX_SIDE}")
        if threads is not None and threads < 1:
            raise OptionError(f"impossible number of threads {threads}; give 1 or more")
        self._frames = 0  # written so far
        self._sound: Soundtrack | None = None
        if audio_path is not None:
            self._sound = Soundtrack(audio_path, self._codecs, self._fps, audio_start, audio_end)

    def __enter__(self) -> Self:
        self._temporary = temporary_beside(self._path.absolute())
        options = {"fflags": "+bitexact"}
        if self._format in ("mp4", "mov"):
            options["movflags"] = "+faststart"  # the index first, so that playing starts before the download ends
        with self._errors():
            self._container = av.open(str(self._temporary), "w", format=self._format, container_options=options)
        try:
            self._add_streams()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append one frame `(H, W, 3)` uint8 BGR of the announced size, and the sound up to its end."""
        width, height = self._size
        if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
            raise VideoError(
                f"{self._path}: frame {self._frames} is {frame.shape} {frame.dtype}, expected ({height}, {width}, 3) "
                "uint8; give every frame the announced size"
            )
        with self._errors():
            picture = self._picture(frame)
            picture.pts, picture.time_base = self._frames, 1 / self._fps
            self._encode_picture(picture)
            self._frames += 1
            if self._sound:
                self._sound.write_until(self._frames / self._fps)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()

    def _discard(self) -> None:
        """Remove what is under the temporary name; after success there is nothing."""
        with suppress(av.FFmpegError, OSError):
            self._container.close()
        self._temporary.unlink(missing_ok=True)

    def _add_streams(self) -> None:
        stream = self._container.add_stream(self._codecs.video, rate=self._fps, options=self._options)
        self._video = cast(VideoStream, stream)
        context = self._video.codec_context
        context.width, context.height = (side + side % 2 for side in self._size)
        context.pix_fmt = "yuv420p"
        context.time_base = 1 / self._fps
        context.thread_count = self._threads
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG
        if self._sound:
            self._sound.attach(self._container)

    def _finish(self) -> None:
        """Write what the encoders hold back, the rest of the sound and silence, and give the file its name."""
        if not self._frames:
            raise OutputError(f"{self._path}: no frame was written; give at least one")
        with self._errors():
            self._encode_picture(None)
            if self._sound:
                self._sound.finish(self._frames / self._fps)
            self._container.close()
            self._temporary.replace(self._path)

    def _picture(self, frame: NDArray[np.uint8]) -> VideoFrame:
        """Pad to even sides, because a chroma sample covers two pixels, and convert to BT.709, 4:2:0."""
        height, width = frame.shape[:2]
        padded = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        height, width = padded.shape[:2]
        converted = cv2.transform(padded, BGR_TO_YUV)
        chroma = cv2.resize(converted, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        planar = np.empty((height * 3 // 2, width), np.uint8)
        planar[:height] = converted[..., 0]
        planar[height:].reshape(2, height // 2, width // 2)[:] = chroma[..., 1:].transpose(2, 0, 1)
        return VideoFrame.from_ndarray(planar, format="yuv420p")

    def _encode_picture(self, picture: VideoFrame | None) -> None:
        for packet in self._video.encode(picture):
            packet.duration = 1  # in 1 / fps; otherwise the last frame would take no time
            self._container.mux(packet)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what FFmpeg and the file system raise into an error that names the file."""
        try:
            yield
        except FrameGenerationError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror}); free space or choose another folder"
            ) from error


def exact_rate(fps: int | float | Fraction) -> Fraction:
    """Return the rate as a fraction such as 30000/1001; raise `OptionError` where it is impossible."""
    try:
        exact = Fraction(fps).limit_denominator(1001)
    except (ValueError, OverflowError):
        exact = Fraction(0)
    if not FPS_RANGE[0] <= exact <= FPS_RANGE[1]:
        raise OptionError(f"impossible frame rate {fps}; give {FPS_RANGE[0]} to {FPS_RANGE[1]} frames a second")
    return exact
