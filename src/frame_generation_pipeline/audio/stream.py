"""Compute features and windows of audio that arrives in pieces; the bits do not depend on the pieces.

The audio program runs on blocks with fixed places in the audio, see `blocks.py`. A block runs with the audio of the
blocks before it as soon as its last sample has arrived; the rest at the end waits for `flush`.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from frame_generation_pipeline.arrays import Features, Samples, Window
from frame_generation_pipeline.audio.blocks import BLOCKS
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.errors import AudioError, ModelError


class FeatureStream:
    """Computes the N features of audio that is pushed piece by piece, in order.

    It holds a few blocks of audio, whatever its length. skip: the number of first features that are not needed; whole
    blocks of them are skipped, and `first` is the number of the first feature that is returned.
    """

    def __init__(self, program: AudioProgram, skip: int = 0) -> None:
        self._program, self._blocks = program, BLOCKS[program.spec]
        self._pending = np.empty(0, np.float32)  # samples from the first block that the next one needs
        self._samples = 0  # pushed so far
        repeated = 1 if self._blocks.repeats_ends else 0
        self._done = max(skip - repeated, 0) // self._blocks.features  # blocks
        self.first = self._done * self._blocks.features + repeated if self._done else 0
        self._skipped = self._blocks.step * (self._done - self._before)  # samples that no block needs

    def push(self, samples: Samples) -> Features:
        """Take samples `(k,)` float32 at 16 kHz, any k; return the features `(m, F)` float32, m >= 0, they complete.

        Raises AudioError for samples of another shape or type and for values that are not finite, ModelError for
        features that are not finite.
        """
        if samples.ndim != 1 or samples.dtype != np.float32 or not np.isfinite(samples).all():
            raise AudioError(
                f"{samples.dtype} samples of shape {samples.shape}; expected mono samples (k,) float32, all finite"
            )
        self._pending = np.concatenate([self._pending, samples[max(self._skipped - self._samples, 0) :]])
        self._samples += len(samples)
        blocks = self._blocks
        features = [np.empty((0, self._program.spec.feature_size), np.float32)]
        while len(self._pending) >= (needed := blocks.samples + blocks.step * self._before):
            features.append(self._features(self._pending[:needed], blocks.features))
            if self._before == blocks.before:
                self._pending = self._pending[blocks.step :]
            self._done += 1
        return np.concatenate(features)

    def flush(self) -> Features:
        """End the audio; return the remaining features `(m, F)` float32. Nothing may be pushed after it.

        Raises AudioError if there were no samples.
        """
        if not self._samples:
            raise AudioError("the audio holds no samples; give at least one")
        left = self._blocks.total(self._samples) - self._done * self._blocks.features
        features = self._features(self._pending, left)
        return np.concatenate([features, features[-1:]]) if self._blocks.repeats_ends else features

    @property
    def _before(self) -> int:
        """The number of blocks before the next one in the pending samples."""
        return min(self._done, self._blocks.before)

    def _features(self, samples: Samples, count: int) -> Features:
        """Compute the next `count` features."""
        features = self._program.features(samples, self._before * self._blocks.features, count)
        if not np.isfinite(features).all():
            raise ModelError(
                f"the {self._program.spec.name} audio encoder gives features that are not finite numbers; its weights"
                " are damaged, use another copy or checkpoint"
            )
        first = features[: 1 if self._blocks.repeats_ends and not self._done else 0]
        return np.concatenate([first, features])


def extract_features(blocks: Iterable[Samples], program: AudioProgram) -> AudioFeatures:
    """Compute all features of audio in blocks `(k,)` float32 at 16 kHz, as `decode_audio` yields them.

    Memory grows with the result alone, by up to 51 kB for a second. Raises AudioError as `FeatureStream` does.
    """
    values = np.concatenate(list(_stream_features(blocks, program)))
    return AudioFeatures(values.reshape(-1, *program.spec.feature_shape), program.spec)


class WindowStream:
    """Computes the windows of audio that is pushed piece by piece, each as soon as its last feature is known.

    It holds a second of features and audio, whatever its length. first: the frame of the first window; most features
    before it are not computed, which does not change the bits.
    """

    def __init__(self, program: AudioProgram, first: int = 0) -> None:
        self._spec = program.spec
        self._stream = FeatureStream(program, skip=max(first - self._spec.before, 0))
        self._pending = np.empty((0, self._spec.feature_size), np.float32)  # features from `_first` on
        self._first, self._frame = self._stream.first, first  # numbers of the first kept feature and of the next window

    def push(self, samples: Samples) -> list[Window]:
        """Take samples `(k,)` float32 at 16 kHz, any k; return the windows `(16, F)` float32 that they complete.

        Raises AudioError as `FeatureStream.push` does.
        """
        return self._take(self._stream.push(samples))

    def flush(self, count: int | None = None) -> list[Window]:
        """End the audio; return the remaining windows, up to `count` in all, by default one for each feature.

        Features beyond the end are zero. Nothing may be pushed after it. Raises AudioError if there were no samples.
        """
        given = self._frame
        windows = self._take(self._stream.flush())
        total = self._first + len(self._pending) if count is None else count
        windows += self._windows(total)
        return windows[: max(total - given, 0)]

    def _take(self, features: Features) -> list[Window]:
        self._pending = np.concatenate([self._pending, features])
        windows = self._windows(self._first + len(self._pending) - self._spec.ahead)
        self._frame += len(windows)
        passed = min(max(self._frame - self._spec.before - self._first, 0), len(self._pending))
        self._pending, self._first = self._pending[passed:], self._first + passed
        return windows

    def _windows(self, stop: int) -> list[Window]:
        """The windows from the next frame up to the one before `stop`."""
        return [feature_window(self._pending, index - self._first, self._spec) for index in range(self._frame, stop)]


def stream_windows(
    blocks: Iterable[Samples], program: AudioProgram, count: int | None = None, first: int = 0
) -> Iterator[Window]:
    """Yield the windows `(16, F)` float32 of frames first, first + 1, ... of audio in blocks `(k,)` float32 at 16 kHz.

    count: the number of frames, including those before `first`; features after the end of the audio are zero, and no
    more audio is read than needed. By default there is one window for each feature. Raises AudioError as
    `FeatureStream` does.
    """
    stream = WindowStream(program, first)
    index = first
    for block in blocks:
        for window in stream.push(block):
            if index == count:
                return
            yield window
            index += 1
        if index == count:
            return
    yield from stream.flush(count)


def _stream_features(blocks: Iterable[Samples], program: AudioProgram) -> Iterator[Features]:
    stream = FeatureStream(program)
    for block in blocks:
        features = stream.push(block)
        if len(features):
            yield features
    yield stream.flush()
