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


def stream_windows(
    blocks: Iterable[np.ndarray], program: AudioProgram, count: int | None = None
) -> Iterator[np.ndarray]:
    """The windows `(16, F)` float32 of frames 0, 1, ..., each as soon as its last feature is there.

    `count` frames in all: after the end of the audio the windows fill with zeros, and of longer audio no more is read
    than needed. Without `count`, one window for each of the N features. Holds a second of features and audio, however
    long it is. Raises AudioError as `FeatureStream` does.
    """
    pending = np.empty((0, program.spec.feature_size), np.float32)  # features from `first` on
    first = frame = 0
    after = WINDOW - WINDOW_BEFORE  # features from the frame's own on that its window needs
    for features in _stream_features(blocks, program):
        pending = np.concatenate([pending, features])
        while frame != count and frame + after <= first + len(pending):
            yield feature_window(pending, frame - first)
            frame += 1
        if frame == count:
            return
        passed = max(frame - WINDOW_BEFORE - first, 0)
        pending, first = pending[passed:], first + passed
    for rest in range(frame, first + len(pending) if count is None else count):
        yield feature_window(pending, rest - first)


def _stream_features(blocks: Iterable[np.ndarray], program: AudioProgram) -> Iterator[np.ndarray]:
    stream = FeatureStream(program)
    for block in blocks:
        features = stream.push(block)
        if len(features):
            yield features
    yield stream.flush()
