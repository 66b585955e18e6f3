"""The audio of one utterance from a client, resampled twice: to 16 kHz for the mouth, to 48 kHz for the listener."""

import threading
from collections import deque

import numpy as np
import numpy.typing as npt
import soxr

from frame_generation_pipeline.server.live_encoder import AUDIO_RATE
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.spec import SAMPLE_RATE

Samples = npt.NDArray[np.float32]
RATES = (8000, 48_000)  # Hz; allowed rates of PCM
PIECE = 0.2  # seconds resampled at once


class UtteranceAudio:
    """Takes PCM16 from any thread in pieces of any length; the session's thread takes it out, once for each purpose."""

    def __init__(self, event_id: str, rate: int, longest: float, text: str | None = None) -> None:
        """rate: Hz of the PCM. longest: seconds that may wait. text: what is said, where it is known.

        Raises Problem for a rate that cannot be.
        """
        if not RATES[0] <= rate <= RATES[1]:
            raise Problem(400, "bad_rate", f"sample_rate is {rate}; expected {RATES[0]} to {RATES[1]}")
        self.event_id, self.rate, self._longest, self.text = event_id, rate, longest, text
        self.ended = False  # whether all audio has been pushed
        self.dropped = False  # whether the rest is not needed any more
        self.finished = False  # whether the session knows that all audio has been pushed
        self.frames = 0  # frames of it that were sent
        self._lock = threading.Lock()
        self._odd = b""  # the first byte of a sample whose second byte is missing
        self._raw: deque[npt.NDArray[np.int16]] = deque()
        self._waiting = 0  # samples in `_raw`
        self._to_mouth, self._to_ear = _Resampler(rate, SAMPLE_RATE), _Resampler(rate, AUDIO_RATE)
        self._ear = np.empty(0, np.float32)

    def push(self, pcm: bytes) -> None:
        """Append little-endian PCM16, mono, of any length. Raises Problem if too much waits."""
        with self._lock:
            if self.ended or self.dropped:
                return
            pcm = self._odd + pcm
            whole = len(pcm) // 2 * 2
            self._odd = pcm[whole:]
            if (self._waiting + whole // 2) / self.rate > self._longest:
                raise Problem(429, "too_much_audio", f"more than {self._longest:g} s of audio wait to be said")
            if whole:
                self._raw.append(np.frombuffer(pcm[:whole], "<i2"))
                self._waiting += whole // 2

    def end(self) -> None:
        """End the audio."""
        with self._lock:
            self.ended = True

    def drop(self) -> None:
        """Drop all of it."""
        with self._lock:
            self.dropped = self.ended = True
            self._raw.clear()
            self._waiting = 0

    def mouth(self) -> Samples | None:
        """The next piece at 16 kHz, of up to `PIECE` seconds; None where nothing waits. `ear` has it too then."""
        with self._lock:
            if not self._raw:
                return None
            piece = self._raw.popleft()
            most = round(PIECE * self.rate)
            if len(piece) > most:
                self._raw.appendleft(piece[most:])
                piece = piece[:most]
            self._waiting -= len(piece)
        samples = piece.astype(np.float32) / np.float32(32768)
        self._ear = np.concatenate([self._ear, self._to_ear.push(samples)])
        return self._to_mouth.push(samples)

    def last_of_mouth(self) -> Samples | None:
        """Once after the end, the rest of the resamplers; otherwise None."""
        with self._lock:
            if not self.ended or self._raw or self.finished:
                return None
            self.finished = True
        self._ear = np.concatenate([self._ear, self._to_ear.flush()])
        return self._to_mouth.flush()

    def ear(self, count: int) -> Samples:
        """The next `count` samples at 48 kHz; silence beyond the end."""
        taken, self._ear = self._ear[:count], self._ear[count:]
        return np.pad(taken, (0, count - len(taken)))


class _Resampler:
    """Resamples a stream of one channel."""

    def __init__(self, rate: int, wanted: int) -> None:
        same = rate == wanted
        self._stream = None if same else soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="MQ")

    def push(self, samples: Samples) -> Samples:
        return samples if self._stream is None else self._stream.resample_chunk(samples)

    def flush(self) -> Samples:
        empty = np.empty(0, np.float32)
        return empty if self._stream is None else self._stream.resample_chunk(empty, last=True)
