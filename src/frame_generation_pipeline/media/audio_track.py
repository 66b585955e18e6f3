"""Choose the audio stream of a file, and give its frames without gaps on the file's clock."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.containers import open_media

logger = logging.getLogger(__name__)

SILENT = 1e-3  # of full scale; a track that never exceeds it, -60 dB, is silent
LEAST_GAP = 0.05  # seconds; smaller gaps are the rounding of containers
LONGEST_GAP = 600.0  # seconds; a longer one is a damaged clock


def audio_stream(container: InputContainer, path: Path, track: int | None = None) -> AudioStream | None:
    """Choose the audio stream; None if there is none.

    track: its number among the audio streams, counted from 1. By default it is the first one that the file marks as
    default, otherwise the first; if that one is silent from end to end, the next one that is not. If there are several,
    a warning is logged that names the chosen one. Raises OptionError for a track that does not exist.
    """
    streams = container.streams.audio
    if track is not None:
        if not 1 <= track <= len(streams):
            raise OptionError(f"{path}: has {len(streams)} audio track(s); number {track} is none of them")
        return streams[track - 1]
    if len(streams) < 2:
        return streams[0] if streams else None
    default = next((i for i, stream in enumerate(streams) if stream.disposition & Disposition.default), 0)
    status = path.stat()
    return streams[_audible(path, default, len(streams), (status.st_size, status.st_mtime_ns))]


@lru_cache(maxsize=16)
def _audible(path: Path, default: int, count: int, version: tuple[int, int]) -> int:
    """The number of the first track, counted from 0 and beginning with `default`, that is not silent."""
    for track in (default, *(other for other in range(count) if other != default)):
        if not _silent(path, track):
            why = "the default" if track == default else f"for track {default + 1} is silent"
            logger.warning(
                "%s: of %d audio tracks number %d is heard, %s (--audio-track chooses another)",
                path,
                count,
                track + 1,
                why,
            )
            return track
    return default


def _silent(path: Path, track: int) -> bool:
    """Whether a track is silent, in all samples that can be decoded."""
    with suppress(av.FFmpegError, ValueError), open_media(path) as container:
        stream = container.streams.audio[track]
        resampler = AudioResampler(format="flt")
        for packet in container.demux(stream):
            with suppress(av.error.InvalidDataError):
                for frame in stream.decode(packet):
                    for converted in resampler.resample(frame):
                        if np.abs(converted.to_ndarray()).max(initial=0) > SILENT:
                            return False
    return True


def without_gaps(frames: Iterable[AudioFrame], path: Path) -> Iterator[AudioFrame]:
    """Yield the frames without their times, with silence in the gaps between their times.

    Audio then has the position at which a player plays it. Times that go back, or jump by more than `LONGEST_GAP`, are
    ignored.
    """
    expected: float | None = None  # when the next frame should begin, seconds
    missing = 0.0
    for frame in frames:
        time = frame.time
        if time is not None:
            gap = time - (time if expected is None else expected)
            if LEAST_GAP < gap <= LONGEST_GAP:
                missing += gap
                yield from _silence(frame, round(gap * frame.sample_rate))
            if expected is None or abs(gap) > LEAST_GAP:
                expected = time
        if expected is not None and frame.sample_rate:
            expected += frame.samples / frame.sample_rate
        frame.pts = None
        yield frame
    if missing:
        logger.warning("%s: its audio has gaps of %.2f s in all, which are filled with silence", path, missing)


def _silence(like: AudioFrame, samples: int) -> Iterator[AudioFrame]:
    """Frames of digital silence, at most a second each."""
    while samples > 0:
        count = min(samples, like.sample_rate)
        frame = AudioFrame(format=like.format.packed, layout=like.layout, samples=count)
        frame.sample_rate = like.sample_rate
        (plane,) = frame.planes
        plane.update((b"\x80" if like.format.packed.name == "u8" else b"\0") * plane.buffer_size)
        samples -= count
        yield frame
