"""Encode the audio of a video while its frames are written: all of it, and at least up to the last frame's end."""

from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.audio_encoder import read_audio, stream_layout
from frame_generation_pipeline.media.codecs import Codecs


class Soundtrack:
    """Writes an audio stream of a file, cut to [start, end) seconds, into a container.

    Its sample rate and channels are kept if the container can store them. fps: of the video. track: see
    `audio_track.audio_stream`. Raises `OptionError` for an impossible cut, and `MissingFileError` or `AudioError` as
    `read_audio` does.
    """

    def __init__(
        self, path: Path, codecs: Codecs, fps: Fraction, start: float, end: float | None, track: int | None = None
    ) -> None:
        if not (start >= 0 and (end is None or end > start)):
            raise OptionError(
                f"impossible cut of the audio, {start} to {end} s; start at 0 or later and end after that"
            )
        self._codecs = codecs
        rate, layout = stream_layout(path, track)
        self._rate = codecs.audio_rate(rate, fps)
        self._layout = codecs.audio_layout(self._rate, layout)
        self._chunks = read_audio(path, self._rate, self._layout, start, end, track)
        self._chunk = next(self._chunks, None)  # the next one to write; read now, so that unusable audio raises at once
        if self._chunk is None:
            raise OptionError(f"{path}: has no audio from {start} s on; start before its end")
        self._written = 0  # samples

    def attach(self, container: OutputContainer) -> None:
        """Add the stream to a container before anything is written."""
        stream = container.add_stream(self._codecs.audio, rate=self._rate, options={"flags": "+bitexact"})
        self._container, self._stream = container, cast(AudioStream, stream)
        context = self._stream.codec_context
        context.format, context.layout = self._codecs.sample_format, self._layout
        # An AAC frame holds at most 6144 bits a channel for its 1024 samples.
        context.bit_rate = min(self._codecs.bit_rate, 6 * self._rate * context.layout.nb_channels)

    def write_until(self, end: Fraction) -> None:
        """Write the audio up to `end` seconds and at most one chunk further."""
        while self._chunk is not None and self._written < end * self._rate:
            self._write_chunk(self._chunk)

    def finish(self, end: Fraction) -> None:
        """Write the rest of the audio, silence up to `end` seconds, and the encoder's last packets."""
        while self._chunk is not None:
            self._write_chunk(self._chunk)
        silence = np.zeros((self._rate, self._stream.codec_context.layout.nb_channels), np.float32)
        while (missing := ceil(end * self._rate) - self._written) > 0:
            self._encode(silence[:missing])
        self._container.mux(self._stream.encode(None))

    def _write_chunk(self, chunk: npt.NDArray[np.float32]) -> None:
        self._encode(chunk)
        self._chunk = next(self._chunks, None)

    def _encode(self, samples: npt.NDArray[np.float32]) -> None:
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._written, Fraction(1, self._rate)
        self._container.mux(self._stream.encode(frame))
        self._written += len(samples)
