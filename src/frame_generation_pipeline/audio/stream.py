"""Audio features from audio that arrives in pieces: the same bits however it is cut.

The audio program runs on blocks whose place is fixed in the whole audio: block b is windows 5 b to 5 b + 4, which begin
3200 samples after those of the block before, because 5 windows at 25 a second last as long as 16 mel columns at 80. A
block is given the audio from the block before it on, as the left context of its first columns, and runs as soon as its
last sample is there; only the windows of the end wait for `flush`.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.spec import AVE, SAMPLE_RATE, WINDOW, WINDOW_BEFORE

from .encoder import AudioProgram
from .features import AudioFeatures, feature_window
from .mel import FFT_SIZE, HOP, SHORTEST, WINDOW_COLUMNS, window_count, window_start

BLOCK_WINDOWS = 5  # the fewest windows that begin on a whole column again
BLOCK_STEP = BLOCK_WINDOWS * SAMPLE_RATE // AVE.fps  # 3200 samples from one block to the next
# Samples from a block's start to the end of what its last window's last column hears, 5800.
BLOCK_SAMPLES = (window_start(BLOCK_WINDOWS - 1) + WINDOW_COLUMNS - 1) * HOP + FFT_SIZE // 2


class FeatureStream:
    """Features of one audio, pushed piece by piece; all that was returned, in order, is the N features of the whole.

    The first and the last window's features come twice, as the original has them. Holds less than 0.6 s of audio.
    """

    def __init__(self, program: AudioProgram) -> None:
        self._program = program
        self._pending = np.empty(0, np.float32)  # samples from the block before the next one on
        self._samples = 0  # pushed so far
        self._blocks = 0  # done so far

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Samples `(k,)` float32 at 16 kHz, any k -> the features `(m, F)` float32 that they complete, m >= 0.

        Raises AudioError for samples of another shape or type or that are not finite.
        """
        if samples.ndim != 1 or samples.dtype != np.float32 or not np.isfinite(samples).all():
            raise AudioError(
                f"{samples.dtype} samples of shape {samples.shape}; expected mono samples (k,) float32, all finite"
            )
        self._pending = np.concatenate([self._pending, samples])
        self._samples += len(samples)
        features = [np.empty((0, self._program.spec.feature_size), np.float32)]
        while len(self._pending) >= (needed := BLOCK_SAMPLES + (BLOCK_STEP if self._blocks else 0)):
            features.append(self._features(self._pending[:needed], BLOCK_WINDOWS))
            self._pending = self._pending[needed - BLOCK_SAMPLES :]
            self._blocks += 1
        return np.concatenate(features)

    def flush(self) -> np.ndarray:
        """End the audio: the features `(m, F)` float32 that are still missing, m >= 2. Nothing may be pushed after it.

        Raises AudioError when there were no samples at all.
        """
        if not self._samples:
            raise AudioError("the audio holds no samples; give at least one")
        # Told from the whole audio, because the rounding in it depends on the length.
        total = window_count(max(self._samples, SHORTEST) // HOP + 1)
        features = self._features(self._pending, total - self._blocks * BLOCK_WINDOWS)
        return np.concatenate([features, features[-1:]])

    def _features(self, samples: np.ndarray, count: int) -> np.ndarray:
        """Those of the next `count` windows, of which the audio's very first comes twice."""
        if self._blocks:
            return self._program.features(samples, BLOCK_WINDOWS, count)
        features = self._program.features(samples, 0, count)
        return np.concatenate([features[:1], features])


def extract_features(blocks: Iterable[np.ndarray], program: AudioProgram) -> AudioFeatures:
    """All features of audio given as blocks `(k,)` float32 at 16 kHz, as `decode_audio` yields them.

    The result grows with the audio, by 51 kB a second; nothing else does. Raises AudioError as `FeatureStream` does.
    """
    values = np.concatenate(list(_stream_features(blocks, program)))
    return AudioFeatures(values.reshape(-1, *program.spec.feature_shape), program.spec)


class WindowStream:
    """Windows of one audio, pushed piece by piece, each as soon as its last feature is there.

    Holds a second of features and audio, however long it is.
    """

    def __init__(self, program: AudioProgram) -> None:
        self._stream = FeatureStream(program)
        self._pending = np.empty((0, program.spec.feature_size), np.float32)  # features from `_first` on
        self._first = self._frame = 0  # index of the first feature kept, and of the next window

    def push(self, samples: np.ndarray) -> list[np.ndarray]:
        """Samples `(k,)` float32 at 16 kHz, any k -> the windows `(16, F)` float32 that they complete.

        Raises AudioError as `FeatureStream.push` does.
        """
        return self._take(self._stream.push(samples))

    def flush(self, count: int | None = None) -> list[np.ndarray]:
        """End the audio: the windows that are missing to `count` in all, or to one for each of the N features.

        Beyond the end they fill with zeros. Nothing may be pushed after it. Raises AudioError without any samples.
        """
        given = self._frame
        windows = self._take(self._stream.flush())
        total = self._first + len(self._pending) if count is None else count
        windows += [feature_window(self._pending, index - self._first) for index in range(self._frame, total)]
        return windows[: max(total - given, 0)]

    def _take(self, features: np.ndarray) -> list[np.ndarray]:
        self._pending = np.concatenate([self._pending, features])
        complete = self._first + len(self._pending) - (WINDOW - WINDOW_BEFORE) + 1
        windows = [feature_window(self._pending, index - self._first) for index in range(self._frame, complete)]
        self._frame += len(windows)
        passed = max(self._frame - WINDOW_BEFORE - self._first, 0)
        self._pending, self._first = self._pending[passed:], self._first + passed
        return windows


def stream_windows(
    blocks: Iterable[np.ndarray], program: AudioProgram, count: int | None = None
) -> Iterator[np.ndarray]:
    """The windows `(16, F)` float32 of frames 0, 1, ... of audio given as blocks `(k,)` float32 at 16 kHz.

    `count` frames in all: after the end of the audio the windows fill with zeros, and of longer audio no more is read
    than needed. Without `count`, one window for each of the N features. Raises AudioError as `FeatureStream` does.
    """
    stream = WindowStream(program)
    given = 0
    for block in blocks:
        for window in stream.push(block):
            if given == count:
                return
            yield window
            given += 1
        if given == count:
            return
    yield from stream.flush(count)


def _stream_features(blocks: Iterable[np.ndarray], program: AudioProgram) -> Iterator[np.ndarray]:
    stream = FeatureStream(program)
    for block in blocks:
        features = stream.push(block)
        if len(features):
            yield features
    yield stream.flush()
