"""Audio features from audio that arrives in pieces: the same bits however it is cut.

Mel and encoder run in blocks whose place is fixed in the whole audio: block b is windows 5 b to 5 b + 4, which begin
16 mel columns (3200 samples) after those of the block before, because 5 windows at 25 a second last as long as 16
columns at 80 a second. A block runs as soon as all its samples are there; only the end's windows wait for `flush`.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.spec import AVE, SAMPLE_RATE, WINDOW, WINDOW_BEFORE

from .encoder import AudioEncoder
from .features import AudioFeatures, feature_window
from .mel import FFT_SIZE, HOP, mel_columns, pre_emphasis

WINDOW_COLUMNS = 16  # mel columns that the encoder sees, 0.2 s
COLUMN_RATE = SAMPLE_RATE // HOP  # 80 mel columns a second
BLOCK_WINDOWS = 5  # the fewest windows that begin on a whole column again
BLOCK_COLUMNS = BLOCK_WINDOWS * COLUMN_RATE // AVE.fps  # 16, from one block to the next
SHORTEST = (WINDOW_COLUMNS - 1) * HOP  # samples; audio below is filled up with zeros to have 16 columns


def window_start(index: int) -> int:
    """First mel column of window `index`."""
    return COLUMN_RATE * index // AVE.fps


def window_count(columns: int) -> int:
    """Windows of audio that has so many mel columns, at least 16."""
    # Kept in the original's floating point, which at some lengths (368 columns and 16, say) rounds to one window less.
    return int((columns - WINDOW_COLUMNS) / 80.0 * 25.0) + 2


class FeatureStream:
    """Features of one audio, pushed piece by piece; all that was returned, in order, is the N features of the whole.

    The first and the last window's features come twice, as the original has them. Holds less than half a second of
    audio.
    """

    # Columns kept before the next block's first: the last window of the audio is moved back by up to two.
    _LEAD = 2
    # Samples of a block's columns, from its first window's first to its last window's last.
    _BLOCK_SAMPLES = (window_start(BLOCK_WINDOWS - 1) + WINDOW_COLUMNS - 1) * HOP + FFT_SIZE

    def __init__(self, encoder: AudioEncoder) -> None:
        self._encoder = encoder
        # Pre-emphasised samples from _LEAD columns before the next block on; at first, that and the left padding.
        self._pending = np.zeros(self._LEAD * HOP + FFT_SIZE // 2)
        self._previous = 0.0  # last sample pushed
        self._samples = 0  # pushed so far
        self._blocks = 0  # encoded so far

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Samples `(k,)` float32 at 16 kHz, any k -> the features `(m, F)` float32 that they complete, m >= 0.

        Raises AudioError for samples of another shape or that are not finite.
        """
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise AudioError(f"samples of shape {samples.shape}; expected mono samples (k,) that are finite numbers")
        features = [np.empty((0, self._encoder.spec.feature_size), np.float32)]
        if len(samples):
            self._pending = np.concatenate([self._pending, pre_emphasis(samples, self._previous)])
            self._previous = float(samples[-1])
            self._samples += len(samples)
        lead = self._LEAD * HOP
        while len(self._pending) >= lead + self._BLOCK_SAMPLES:
            columns = mel_columns(self._pending[lead : lead + self._BLOCK_SAMPLES])
            encoded = self._encode(columns, [window_start(i) for i in range(BLOCK_WINDOWS)])
            features += [encoded] if self._blocks else [encoded[:1], encoded]
            self._blocks += 1
            self._pending = self._pending[BLOCK_COLUMNS * HOP :]
        return np.concatenate(features)

    def flush(self) -> np.ndarray:
        """End the audio: the features `(m, F)` float32 that are still missing, m >= 2. Nothing may be pushed after it.

        Raises AudioError when there were no samples at all.
        """
        if not self._samples:
            raise AudioError("the audio holds no samples; give at least one")
        # Too short for a window: filled up, and still too short for a block.
        self.push(np.zeros(max(SHORTEST - self._samples, 0), np.float32))
        columns = mel_columns(np.pad(self._pending, (0, FFT_SIZE // 2)))
        first = self._blocks * BLOCK_COLUMNS - self._LEAD  # what columns[:, 0] is in the whole audio
        total = first + columns.shape[1]
        indices = range(self._blocks * BLOCK_WINDOWS, window_count(total))
        encoded = self._encode(columns, [min(window_start(i), total - WINDOW_COLUMNS) - first for i in indices])
        return np.concatenate([encoded[: 0 if self._blocks else 1], encoded, encoded[-1:]])

    def _encode(self, columns: np.ndarray, starts: list[int]) -> np.ndarray:
        return self._encoder.encode(np.stack([columns[:, start : start + WINDOW_COLUMNS] for start in starts]))


def extract_features(blocks: Iterable[np.ndarray], encoder: AudioEncoder) -> AudioFeatures:
    """All features of audio given as blocks `(k,)` float32 at 16 kHz, as `decode_audio` yields them.

    The result grows with the audio, by 51 kB a second; nothing else does. Raises AudioError as `FeatureStream` does.
    """
    values = np.concatenate(list(_stream_features(blocks, encoder)))
    return AudioFeatures(values.reshape(-1, *encoder.spec.feature_shape), encoder.spec)


def stream_windows(
    blocks: Iterable[np.ndarray], encoder: AudioEncoder, count: int | None = None
) -> Iterator[np.ndarray]:
    """The windows `(16, F)` float32 of frames 0, 1, ..., each as soon as its last feature is there.

    `count` frames in all: after the end of the audio the windows fill with zeros, and of longer audio no more is read
    than needed. Without `count`, one window for each of the N features. Holds a second of features and audio, however
    long it is. Raises AudioError as `FeatureStream` does.
    """
    pending = np.empty((0, encoder.spec.feature_size), np.float32)  # features from `first` on
    first = frame = 0
    after = WINDOW - WINDOW_BEFORE  # features from the frame's own on that its window needs
    for features in _stream_features(blocks, encoder):
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


def _stream_features(blocks: Iterable[np.ndarray], encoder: AudioEncoder) -> Iterator[np.ndarray]:
    stream = FeatureStream(encoder)
    for block in blocks:
        features = stream.push(block)
        if len(features):
            yield features
    yield stream.flush()
