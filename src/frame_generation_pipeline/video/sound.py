"""Decode the sound that goes beside the picture: one stream of samples, conformed to what the encoder accepts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from frame_generation_pipeline.errors import AudioError, MissingFileError

# Some formats (a plain WAV) say how many channels there are and not where the speakers stand.
LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def probe_sound(path: Path) -> tuple[int, str]:
    """Return the sample rate in Hz and the name of the channel layout (`stereo`, `5.1`) of a file's first audio stream.

    Both are taken from the first decoded samples, because headers are at times wrong about them.
    Raises `MissingFileError`, and `AudioError` where there is no audio stream or nothing can be decoded.
    """
    for frame in _decode(path):
        return frame.sample_rate, frame.layout.name
    raise AudioError(f"{path}: expected sound, found no samples; give a recording that is not empty")


def read_sound(
    path: Path, rate: int, layout: str, start: float = 0.0, end: float | None = None
) -> Iterator[NDArray[np.float32]]:
    """Yield the samples of a file's first audio stream as chunks `(n, channels)` float32, n > 0, in [-1, 1].

    rate: Hz; layout: name of the channel layout; both are converted to by libswresample.
    start, end: seconds, rounded to a sample at `rate`; None is the end of the file.
    Timestamps are ignored: what was decoded is taken as continuous from time 0.
    Damaged packets are left out. Raises as `probe_sound` does, at the first chunk, and `AudioError` at samples that are
    not finite.
    """
    first = round(start * rate)
    last = None if end is None else round(end * rate)
    position = 0
    for frame in _conform(_decode(path), rate, layout):
        samples = cast(NDArray[np.float32], frame.to_ndarray()).reshape(frame.samples, -1)
        if not np.isfinite(samples).all():
            raise AudioError(f"{path}: expected finite samples, found NaN or infinity; export the recording again")
        chunk = samples[max(0, first - position) : None if last is None else max(0, last - position)]
        position += frame.samples
        if len(chunk):
            yield chunk
        if last is not None and position >= last:
            return


def _decode(path: Path) -> Iterator[AudioFrame]:
    """Yield the decoded frames of the first audio stream, without timestamps and each with a named layout."""
    with _errors_name(path), av.open(str(path.absolute()), metadata_errors="ignore") as container:
        if not container.streams.audio:
            raise AudioError(f"{path}: expected an audio stream, found none; give a file with sound")
        stream = container.streams.audio[0]
        layout = stream.codec_context.layout
        if layout.name.endswith(" channels"):
            if layout.nb_channels not in LAYOUTS:
                raise AudioError(f"{path}: expected 1 to 8 channels, found {layout.nb_channels}; mix it down first")
            stream.codec_context.layout = LAYOUTS[layout.nb_channels]
        packets = container.demux(stream)
        while True:
            # Leaving out what is damaged, as `audio.decode` does: both must find the same samples.
            with suppress(av.InvalidDataError):
                packet = next(packets, None)
                if packet is None:
                    return
                for frame in stream.decode(packet):
                    frame.pts = None
                    yield frame


def _conform(frames: Iterator[AudioFrame], rate: int, layout: str) -> Iterator[AudioFrame]:
    """Convert frames to float at `rate` and `layout`; a stream may change its own rate or layout on the way.

    The channels are interleaved: PyAV crashes on the planes of a frame with eight channels.
    """
    resampler, kind = None, None
    for frame in frames:
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or found != kind:
            yield from _flush(resampler)
            resampler, kind = AudioResampler(format="flt", layout=layout, rate=rate), found
        yield from resampler.resample(frame)
    yield from _flush(resampler)


def _flush(resampler: AudioResampler | None) -> Iterator[AudioFrame]:
    """Yield what the resampler still holds; one that had nothing to convert answers with None."""
    if resampler is not None:
        yield from (frame for frame in resampler.resample(None) if frame is not None)


@contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Turn what FFmpeg raises into errors that name the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: expected an audio file, found nothing; check the path") from error
    except (av.FFmpegError, OSError) as error:
        raise AudioError(f"{path}: expected sound that can be decoded ({error.strerror}); convert it to WAV") from error
