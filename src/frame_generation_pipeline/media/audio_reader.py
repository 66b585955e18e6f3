"""Decode any audio file, or the audio track of a video, into blocks of 16 kHz mono samples."""

import logging
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
from av.error import FFmpegError, InvalidDataError

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.errors import AudioError, MissingFileError, OptionError
from frame_generation_pipeline.media.audio_track import audio_stream, without_gaps
from frame_generation_pipeline.media.containers import open_media
from frame_generation_pipeline.media.downmix import LAYOUTS, SUM, Cancellation, Downmix
from frame_generation_pipeline.media.packets import placed_packets, video_stream
from frame_generation_pipeline.media.resampling import resampled

logger = logging.getLogger(__name__)

RATES = (1000, 768_000)  # Hz; other rates are damaged, and resampling would give huge or empty audio


@dataclass(frozen=True)
class AudioInfo:
    """Properties of an audio stream, found by decoding it."""

    path: Path
    sample_rate: int  # Hz, as decoded
    channels: int  # of the first frame
    duration: float  # seconds; exactly the decoded samples / sample_rate
    downmix: Downmix = SUM  # how its channels become one


def probe_audio(path: str | Path, track: int | None = None) -> AudioInfo:
    """Decode an audio stream from end to end, so that a broken file is found before long work.

    track: see `audio_track.audio_stream`. Memory does not grow with the length. Raises as `decode_audio` does.
    """
    path = Path(path)
    rate = channels = samples = 0
    cancellation = Cancellation()
    for frame in decode_frames(path, track):
        rate, channels = frame.sample_rate, channels or frame.layout.nb_channels
        samples += frame.samples
        cancellation.push(frame, path)  # also checks their values
    return AudioInfo(path, rate, channels, samples / rate, cancellation.downmix())


def decode_audio(
    path: str | Path,
    *,
    start: float = 0.0,
    end: float | None = None,
    downmix: Downmix | None = None,
    track: int | None = None,
) -> Iterator[Samples]:
    """The audio stream that is used as blocks `(k,)` float32, k > 0: mono, 16 kHz, full scale is [-1, 1].

    track: which one that is, see `audio_track.audio_stream`.

    Channels become one as `downmix` says, by default as `probe_audio` tells of the whole file; then they are resampled
    with soxr HQ. Those of mono, of most stereo, and of any file with `MEAN`, are the very samples of
    `librosa.load(path, sr=16000)`; a float file's values beyond full scale pass unchanged. `start` and `end` are
    seconds and cut exactly at samples of the source's rate, before resampling; `end` beyond the audio is its end. Times
    are counted from the first sample on; where time stamps leave a gap there is silence, and joined files follow each
    other. Damaged packets are left out with a warning in the log.

    Errors come with the first block, or where they are met: MissingFileError; AudioError for what is not a media file,
    has no audio stream or no samples in the range, changes its rate on the way or holds values that are not finite;
    OptionError for an impossible range and for a track that does not exist.
    """
    path = Path(path)
    stop = math.inf if end is None else end
    if not 0 <= start < stop:
        raise OptionError(f"{path}: the range {start} to {end} s is empty; start must be 0 or more and end after it")
    chosen = _choose_downmix(path, track) if downmix is None else downmix
    frames = decode_frames(path, track)
    beginning = next(frames)
    rate = beginning.sample_rate
    first, last = round(start * rate), sys.maxsize if stop == math.inf else round(stop * rate)

    def kept() -> Iterator[Samples]:
        position = taken = 0  # samples of the source
        for frame in chain([beginning], frames):
            samples = chosen.mix(frame, path)
            wanted = samples[max(first - position, 0) : last - position]
            position, taken = position + len(samples), taken + len(wanted)
            yield wanted
            if position >= last:
                break
        if not taken:
            raise AudioError(f"{path}: has no samples from {start} to {end} s; choose a range inside the audio")

    yield from resampled(kept(), rate)


def _choose_downmix(path: Path, track: int | None) -> Downmix:
    """The downmix of `probe_audio`; audio with one channel is not decoded for it."""
    frames = decode_frames(path, track)
    cancellation, first = Cancellation(), next(frames)
    if first.layout.nb_channels == 1:
        return SUM
    for frame in chain([first], frames):
        cancellation.push(frame, path)
    return cancellation.downmix()


def decode_frames(path: Path, track: int | None = None) -> Iterator[av.AudioFrame]:
    """Decoded frames of the audio stream that is used, all of one rate and without gaps; at least one sample in all.

    Damaged packets are left out with a warning in the log. Raises MissingFileError, and AudioError for what is not a
    media file, has no audio stream, no samples, more than 8 channels or changes its rate on the way, and OptionError
    for a `track` that does not exist, see `audio_track.audio_stream`.
    """
    if not path.exists():
        raise MissingFileError(f"{path}: no such file; give an audio file or a video with an audio track")
    if path.is_dir() or not path.stat().st_size:
        kind = "a folder" if path.is_dir() else "an empty file" if path.is_file() else "a pipe or a device"
        raise AudioError(f"{path}: is {kind}; give an audio file or a video with an audio track")
    rate = samples = 0
    try:
        with open_media(path) as container:
            stream = audio_stream(container, path, track)
            if stream is None:
                raise AudioError(f"{path}: has no audio stream; give an audio file or a video with an audio track")
            if stream.codec_context is None:
                raise AudioError(f"{path}: its audio is of a kind that cannot be decoded; convert it to a .wav file")
            layout = stream.codec_context.layout
            if layout.nb_channels not in LAYOUTS:
                raise AudioError(f"{path}: has {layout.nb_channels} channels, expected 1 to 8; mix it down first")
            if layout.name.endswith(" channels"):
                stream.codec_context.layout = LAYOUTS[layout.nb_channels]
            for frame in without_gaps(_decoded(container, stream, path), path):
                rate = rate or frame.sample_rate
                if not RATES[0] <= rate <= RATES[1]:
                    raise AudioError(f"{path}: has {rate} samples a second; expected {RATES[0]} to {RATES[1]}")
                if frame.sample_rate != rate:
                    raise AudioError(
                        f"{path}: changes its sample rate from {rate} to {frame.sample_rate} Hz on the way;"
                        " convert it to one rate (ffmpeg -i IN -ar 16000 OUT.wav)"
                    )
                samples += frame.samples
                yield frame
    except FFmpegError as error:
        raise AudioError(f"{path}: cannot be decoded ({error.strerror}); give an intact audio or video file") from error
    if not samples:
        raise AudioError(f"{path}: no audio could be decoded, it is empty or damaged; give an audio file")


def _decoded(container: av.container.InputContainer, stream: av.AudioStream, path: Path) -> Iterator[av.AudioFrame]:
    """Yield every frame that can be decoded, on a clock that never goes back; a truncated file ends early."""
    beside = video_stream(container)
    damaged = 0
    for packet in placed_packets(container, [stream] if beside is None else [stream, beside]):
        if packet.stream is not stream:
            continue
        try:
            yield from stream.decode(packet)
        except InvalidDataError:
            damaged += 1
    if damaged:
        logger.warning("%s: %d damaged audio packet(s) left out", path, damaged)
