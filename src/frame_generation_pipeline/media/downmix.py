"""Mix the channels of audio into one: by the positions of their speakers, or one channel if their sum cancels."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.media.level import energy

# Some formats (a plain WAV) state the number of channels but not the positions of the speakers.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
CRASHING_CHANNELS = 8  # PyAV crashes if an array is made of so many planar channels

# ITU-R BS.775, table 2, to one channel, 3 dB lower: stereo stays the mean of its two channels.
FRONT, CENTRE, AROUND = np.float32(0.5), np.float32(np.sqrt(0.5)), np.float32(np.sqrt(0.125))
WEIGHTS = {
    **dict.fromkeys(("FL", "FR", "FLC", "FRC", "DL", "DR", "BIL", "BIR"), FRONT),
    "FC": CENTRE,
    **dict.fromkeys(("LFE", "LFE2"), np.float32(0)),
}  # other speakers have AROUND
LOUDEST = 2.0**31  # times full scale, as in floats of 32-bit integers; squares of larger values could overflow
CANCELS = 16.0  # times the energy of the sum, 12 dB; if one channel has more, the sum cancels
BLOCKS = 25  # blocks in a second, whose energies are added

Channels = npt.NDArray[np.float32]  # (channels, samples)


@dataclass(frozen=True)
class Downmix:
    """How channels become one: their weighted sum, one of them, or their mean as in the original."""

    channel: int | None = None  # the only channel to take, counted from 0
    mean: bool = False  # take the mean of all channels

    def mix(self, frame: av.AudioFrame, path: Path) -> npt.NDArray[np.float32]:
        """A frame's samples (n,) float32; `path` is for errors, see `read_channels`."""
        channels = read_channels(frame, path)
        if self.mean or len(channels) == 1:
            mono: npt.NDArray[np.float32] = channels.mean(axis=0)
            return mono
        if self.channel is not None and self.channel < len(channels):
            alone: npt.NDArray[np.float32] = channels[self.channel]
            return alone
        return weighted_sum(channels, frame.layout)


SUM, MEAN = Downmix(), Downmix(mean=True)


class Cancellation:
    """Decides from a whole file, frame by frame, whether the weighted sum of its channels cancels."""

    def __init__(self) -> None:
        self._weights: list[np.float32] = []
        self._energies = np.zeros(0)  # energies of each channel and of their sum
        self._pending = np.empty((0, 0), np.float32)

    def push(self, frame: av.AudioFrame, path: Path) -> None:
        """Take the next frame; frames with another number of channels than the first are ignored."""
        channels = read_channels(frame, path)
        if not self._weights:
            self._weights = _weights(frame.layout)
            self._energies = np.zeros(len(channels) + 1)
            self._pending = np.empty((len(channels) + 1, 0), np.float32)
        if len(channels) == len(self._weights) > 1:
            channels_and_sum = np.vstack([channels, weighted_sum(channels, frame.layout)])
            self._pending = np.hstack([self._pending, channels_and_sum])
            self._add_blocks(max(1, frame.sample_rate // BLOCKS))

    def downmix(self) -> Downmix:
        """How the file's channels become one; all of it must have been pushed."""
        self._add_blocks(max(1, self._pending.shape[1]))
        *channels, mixed = self._energies
        audible = [0.0 if not weight else value for value, weight in zip(channels, self._weights, strict=True)]
        if len(audible) < 2 or not CANCELS * mixed < max(audible):
            return SUM
        return Downmix(channel=audible.index(max(audible)))

    def _add_blocks(self, size: int) -> None:
        while self._pending.shape[1] >= size:
            block, self._pending = self._pending[:, :size], self._pending[:, size:]
            self._energies += [energy(row) for row in block]


def weighted_sum(channels: Channels, layout: av.AudioLayout) -> npt.NDArray[np.float32]:
    """The weighted sum of channels (c, n) by their speakers; each product and sum is rounded to float32.

    If `layout` does not name the speakers, they are those of `LAYOUTS`.
    """
    mixed = np.zeros(channels.shape[1], np.float32)
    for channel, weight in zip(channels, _weights(layout), strict=True):
        if weight:
            mixed += weight * channel
    return mixed


def read_channels(frame: av.AudioFrame, path: Path) -> Channels:
    """A frame's samples (channels, n) float32, integers scaled so that full scale is [-1, 1].

    Raises AudioError, which names `path`, for a format that PyAV does not support, and for values that are not finite
    or beyond LOUDEST.
    """
    if frame.format.is_planar and frame.layout.nb_channels >= CRASHING_CHANNELS:
        (frame,) = AudioResampler(format=frame.format.packed, layout=frame.layout.name).resample(frame)
    try:
        values = frame.to_ndarray()
    except ValueError as error:
        raise AudioError(f"{path}: {frame.format.name} samples are not supported; convert it to a .wav file") from error
    if frame.format.is_packed:
        values = values.reshape(-1, frame.layout.nb_channels).T
    with np.errstate(over="ignore"):  # float64 beyond float32 is reported below
        scaled: Channels = values.astype(np.float32)
    if values.dtype == np.uint8:
        scaled = (scaled - np.float32(128)) / np.float32(128)
    elif values.dtype.kind == "i":
        scaled /= 2 ** (8 * values.dtype.itemsize - 1)
    if not np.isfinite(scaled).all():
        raise AudioError(f"{path}: holds samples that are not finite numbers; export it again")
    if scaled.size and max(scaled.max(), -scaled.min()) > LOUDEST:
        raise AudioError(
            f"{path}: holds samples of more than {LOUDEST:.0f} times full scale, it is damaged; export it again"
        )
    return scaled


def _weights(layout: av.AudioLayout) -> list[np.float32]:
    """The weight of each channel, in the layout's order."""
    names = [channel.name for channel in layout.channels]
    if "NONE" in names:
        names = [channel.name for channel in av.AudioLayout(LAYOUTS[len(names)]).channels]
    return [WEIGHTS.get(name, AROUND) for name in names]
