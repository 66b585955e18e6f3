"""Decode the audio of a video to write: one stream of samples, converted to what the encoder accepts."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.media.audio_reader import decode_frames


def stream_layout(path: Path, track: int | None = None) -> tuple[int, str]:
    """Return the sample rate in Hz and the name of the channel layout (`stereo`, `5.1`) of a file's audio stream.

    track: which one, see `audio_track.audio_stream`. Both values are taken from the first decoded samples, because
    headers are sometimes wrong.
    Raises as `decode_frames` does.
    """
    frame = next(decode_frames(path, track))
    return frame.sample_rate, frame.layout.name


def read_audio(
    path: Path, rate: int, layout: str, start: float = 0.0, end: float | None = None, track: int | None = None
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the samples of a file's audio stream as chunks `(n, channels)` float32, n > 0, in [-1, 1].

    rate: Hz; layout: name of the channel layout; libswresample converts to both.
    start, end: seconds, rounded to a sample at `rate`; None: the end of the file. track: see `stream_layout`.
    The first sample has time 0; gaps between timestamps are silence, see `audio_track.without_gaps`. Damaged packets
    are skipped. Raises as `stream_layout` does, at the first chunk, and `AudioError` for samples that are not finite.
    """
    first = round(start * rate)
    last = None if end is None else round(end * rate)
    position = 0
    for frame in _conform(decode_frames(path, track), rate, layout):
        samples = cast(npt.NDArray[np.float32], frame.to_ndarray()).reshape(frame.samples, -1)
        if not np.isfinite(samples).all():
            raise AudioError(f"{path}: expected finite samples, found NaN or infinity; export the recording again")
        chunk = samples[max(0, first - position) : None if last is None else max(0, last - position)]
        position += frame.samples
        if len(chunk):
            yield chunk
        if last is not None and position >= last:
            return


def _conform(frames: Iterator[AudioFrame], rate: int, layout: str) -> Iterator[AudioFrame]:
    """Convert frames to float at `rate` and `layout`; the rate or layout of a stream may change.

    The channels are interleaved, because PyAV crashes on the planes of a frame with eight channels.
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
    """Yield the rest of the resampler; if it had nothing to convert, it gives None."""
    if resampler is not None:
        yield from (frame for frame in resampler.resample(None) if frame is not None)
