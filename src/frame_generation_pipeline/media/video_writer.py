"""Write frames and audio as one video file: images in segments that a later run can use, then the complete file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, cast

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from frame_generation_pipeline.errors import FrameGenerationError, OptionError, OutputError, VideoError
from frame_generation_pipeline.files.output import keep_special, prepare_folder
from frame_generation_pipeline.files.partial import SUFFIX, PartialFolder, PartialWriter
from frame_generation_pipeline.media.codecs import CONTAINERS, DEFAULT_PRESET
from frame_generation_pipeline.media.images import FrameEncoding, show, to_planes
from frame_generation_pipeline.media.provenance import mark_container, mark_file
from frame_generation_pipeline.media.segments import SECONDS, SegmentWriter, is_decodable, read_segment, segment_frames
from frame_generation_pipeline.media.soundtrack import Soundtrack
from frame_generation_pipeline.runtime.cores import available_cores

FPS_RANGE = (1, 240)  # frames a second
NTSC = 10, Fraction(1, 200)  # from this rate on, a rate this close to n * 1000 / 1001 means exactly that
MAX_SIDE = 16_384  # pixels; the largest side of H.264 and VP9


def check_output(path: Path) -> None:
    """Prove that a video can be written at `path`; creates its folder if missing, and leaves an existing file alone.

    Raises `OutputError` for an unknown suffix, a path that is a folder, or a folder that cannot be written to.
    """
    if path.suffix.lower() not in CONTAINERS:
        raise OutputError(f"{path}: unknown video suffix {path.suffix!r}; use one of {', '.join(CONTAINERS)}")
    if path.is_dir():
        raise OutputError(f"{path}: expected a video file to write, found a folder; give a file name inside it")
    keep_special(path)
    prepare_folder(path.parent)


class VideoWriter(PartialWriter):
    """Writes a video file frame by frame, with constant memory; use it as a context manager.

    path: `.mp4`, `.m4v`, `.mov`, `.mkv` (H.264, AAC) or `.webm` (VP9, Opus). A file that was there stays as it was
    until the `with` block ends; then this one takes its name.
    size: (width, height) of the frames; an odd side is made even by repeating the last column or row.
    fps: frames a second, 1 to 240. crf: quality, lower is better: 0 to 51 for H.264 (20), 0 to 63 for VP9 (32).
    preset: one of `codecs.PRESETS`. threads: of the video encoder, by default half the cores, because the others make
    frames; equal input and threads give equal bytes.
    audio_path: a file whose audio stream is the audio from time 0; audio_start, audio_end cut it, in seconds;
    audio_track: which stream, see `audio_track.audio_stream`.
    Audio is never cut to the video: where it ends first, silence follows up to the end of the video, and where it
    does not, it goes on without frames; the caller writes frames up to its end.
    Colours are BT.709, limited range, and tagged so. provenance: say in the file that it is made, see
    `media.provenance`.

    fingerprint: what the frames are made from, as JSON has it. Every 10 s of images are encoded for themselves and
    kept in the folder `{path}.partial`. Where something ends the block early, such segments stay there as far as they
    are complete, and the next writer for the same path, fingerprint and options has `done` frames, to be continued with
    frame `done`. The file is the same to the byte. Without a fingerprint nothing stays.

    Raises at construction `OutputError` as `check_output` does, `OptionError` for impossible options, and
    `MissingFileError` or `AudioError` for unusable audio; on entering `OutputError` where another process writes to
    `path`; while writing `VideoError` for a frame that is not as announced, and `OutputError` where the file cannot be
    written or the block ends without a frame.
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
        audio_track: int | None = None,
        crf: int | None = None,
        preset: str = DEFAULT_PRESET,
        threads: int | None = None,
        provenance: bool = True,
        fingerprint: Mapping[str, Any] | None = None,
    ) -> None:
        check_output(path)
        self._path, self._fps = path, exact_rate(fps)
        self._format, self._codecs = CONTAINERS[path.suffix.lower()]
        options = self._codecs.video_options(crf, preset)
        if not all(1 <= side <= MAX_SIDE for side in size):
            raise OptionError(f"impossible frame size {size}; give a width and a height from 1 to {MAX_SIDE}")
        if threads is not None and threads < 1:
            raise OptionError(f"impossible number of threads {threads}; give 1 or more")
        threads = threads or max(1, available_cores() // 2)
        self._encoding = FrameEncoding(self._codecs.video, options, size, self._fps, threads)
        self._provenance = provenance
        self._audio: Soundtrack | None = None
        if audio_path is not None:
            self.add_audio(audio_path, audio_start, audio_end, audio_track)
        self._length = max(1, round(SECONDS * self._fps))  # frames in a segment
        encoding = self._encoding.describe() | {"segment": self._length}
        self._fingerprint = None if fingerprint is None else {"frames": fingerprint, "encoding": encoding}
        self._segments: list[int] = []  # frames in each complete one
        self._writing: SegmentWriter | None = None  # the incomplete segment
        self._frames = 0  # frames in it
        self._shown = self._encoding.new_video_frame()
        self._finished = False

    def add_audio(self, path: Path, start: float = 0.0, end: float | None = None, track: int | None = None) -> None:
        """Set the audio after the constructor, for audio that is complete only with the last frame, before `finish`."""
        self._audio = Soundtrack(path, self._codecs, self._fps, start, end, track)

    @property
    def folder(self) -> Path:
        """The folder of unfinished work, inside the `with` block; other files in it are kept like the segments."""
        return self._partial.folder

    @property
    def done(self) -> int:
        """The number of frames in complete segments."""
        return sum(self._segments)

    def __enter__(self) -> Self:
        self._partial = PartialFolder(self._path.with_name(self._path.name + SUFFIX), self._path, self._fingerprint)
        try:
            with self._errors():
                for index, digest in enumerate(self._partial.recorded()):
                    path = self._segment(index)
                    frames = segment_frames(path, digest)
                    if not (0 < frames <= self._length and is_decodable(path, frames, self._encoding)):
                        break
                    self._segments.append(frames)
                    if frames < self._length:  # only the last one may be shorter
                        break
        except BaseException:
            self._partial.close(keep=True)
            raise
        return self

    def write(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append one frame of the announced size, from frame `done` on: (H, W, 3) uint8 BGR, or its `Planes`."""
        width, height = self._encoding.size
        planar = (height + height % 2) * 3 // 2, width + width % 2
        if frame.shape not in ((height, width, 3), planar) or frame.dtype != np.uint8:
            raise VideoError(
                f"{self._path}: frame {self.done + self._frames} is {frame.shape} {frame.dtype}, expected "
                f"({height}, {width}, 3) uint8; give every frame the announced size"
            )
        with self._errors():
            if self._writing is None:
                self._writing = SegmentWriter(self._segment(len(self._segments)))
                self._encoder = self._encoding.new_encoder()
            shown = self._shown
            show(frame if frame.shape == planar else to_planes(frame), shown)
            shown.pts, shown.time_base = self._frames, 1 / self._fps
            self._encode(shown)
            self._frames += 1
            if self._frames == self._length:
                self._complete_segment()

    def finish(self) -> None:
        """Join the segments and the audio under the final name; the end of the `with` block calls it.

        The segments stay until the end of the block.
        """
        if self._finished:
            return
        with self._errors():
            if self._frames:
                self._complete_segment()
            if not self.done:
                raise OutputError(f"{self._path}: no frame was written; give at least one")
            whole = self._partial.folder.absolute() / f"whole{self._path.suffix}"
            whole.unlink(missing_ok=True)  # a link in its place is not followed
            whole.touch(exist_ok=False)
            self._assemble(whole)
            if self._provenance:
                mark_file(whole, self._format)
            whole.replace(self._path)
        self._finished = True

    def _end(self) -> bool:
        if self._writing:
            self._writing.discard()
        return bool(self._segments)

    def _segment(self, index: int) -> Path:
        return self._partial.folder / f"{index:05d}.segment"

    def _encode(self, shown: VideoFrame | None) -> None:
        assert self._writing is not None
        for packet in self._encoder.encode(shown):
            self._writing.write(packet)

    def _complete_segment(self) -> None:
        assert self._writing is not None
        self._encode(None)
        self._partial.record(len(self._segments), self._writing.digest)
        self._writing.complete(self._frames)
        self._segments.append(self._frames)
        self._writing, self._frames = None, 0

    def _assemble(self, whole: Path) -> None:
        """Write the packets of the segments in order, each with the audio up to its time."""
        options = {"fflags": "+bitexact"}
        if self._format in ("mp4", "mov"):
            options["movflags"] = (
                "+faststart"  # the index comes first, so that playing can start before the download ends
            )
        container = av.open(str(whole), "w", format=self._format, container_options=options)
        try:
            self._add_packets(container)
            container.close()
        finally:
            with suppress(av.FFmpegError, OSError):
                container.close()

    def _add_packets(self, container: OutputContainer) -> None:
        if self._provenance:
            mark_container(container, self._format)
        encoding = self._encoding
        stream = cast(VideoStream, container.add_stream(encoding.codec, rate=self._fps, options=encoding.options))
        encoding.configure(stream.codec_context)
        if self._audio:
            self._audio.attach(container)
        first = 0
        for index, frames in enumerate(self._segments):
            for number, packet in enumerate(read_segment(self._segment(index), first, self._fps), start=1):
                packet.stream = stream
                container.mux(packet)
                if self._audio:
                    self._audio.write_until((first + number) / self._fps)
            first += frames
        if self._audio:
            self._audio.finish(first / self._fps)

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
    """Return the rate as a fraction such as 30000/1001. Raises `OptionError` if it is impossible."""
    try:
        exact = Fraction(fps).limit_denominator(1001)
        ntsc = Fraction(1000 * round(exact * 1001 / 1000), 1001)
        if exact >= NTSC[0] and exact.denominator > 1 and abs(exact - ntsc) < NTSC[1]:
            exact = ntsc  # 23.976 and 23.98 both mean 24000/1001
    except (ValueError, OverflowError):
        exact = Fraction(0)
    if not FPS_RANGE[0] <= exact <= FPS_RANGE[1]:
        raise OptionError(f"impossible frame rate {fps}; give {FPS_RANGE[0]} to {FPS_RANGE[1]} frames a second")
    return exact
