"""Channels become one: by their speakers, or one alone where their sum cancels."""

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.downmix import LAYOUTS, MEAN, SUM, Downmix, weighted_sum

RATE = 16_000


def write(path: Path, channels: npt.NDArray[np.float32], layout: str) -> Path:
    """Channels (c, n) float32 as they are, with a layout that the file states."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels.T.reshape(1, -1)), "flt", layout)
        frame.rate, frame.pts = RATE, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def decoded(path: Path, downmix: Downmix | None = None) -> Samples:
    return np.concatenate(list(decode_audio(path, downmix=downmix)))


def voice(seconds: float = 1.0, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def silent(layout: str) -> Samples:
    return np.zeros((av.AudioLayout(layout).nb_channels, RATE), np.float32)


def place(layout: str, speaker: str) -> int:
    return [channel.name for channel in av.AudioLayout(layout).channels].index(speaker)


@pytest.mark.parametrize("layout", ["3.0", "5.0", "5.1", "5.1(side)", "7.1"])
def test_speech_in_the_centre_loses_3_dB(tmp_path: Path, layout: str) -> None:
    channels = silent(layout)
    channels[place(layout, "FC")] = voice()
    path = write(tmp_path / "a.mka", channels, layout)
    assert probe_audio(path).downmix == SUM
    np.testing.assert_array_equal(decoded(path), np.float32(0.70710677) * voice())
    np.testing.assert_allclose(decoded(path, MEAN), voice() / len(channels), atol=1e-8)


def test_rumble_is_left_out(tmp_path: Path) -> None:
    channels = silent("5.1")
    channels[place("5.1", "FC")], channels[place("5.1", "LFE")] = voice(), 9 * voice(seed=1)
    np.testing.assert_array_equal(decoded(write(tmp_path / "a.mka", channels, "5.1")), np.float32(0.70710677) * voice())


def test_stereo_is_averaged_to_the_bit(tmp_path: Path) -> None:
    channels = np.stack([voice(), voice(seed=1)])
    path = write(tmp_path / "a.mka", channels, "stereo")
    np.testing.assert_array_equal(decoded(path), channels.mean(axis=0))
    np.testing.assert_array_equal(decoded(path), decoded(path, MEAN))


@pytest.mark.parametrize("gains", [(1, -0.95), (1, -0.9), (-0.8, 1)])
def test_the_louder_of_two_channels_that_cancel(tmp_path: Path, gains: tuple[float, float]) -> None:
    channels = (np.array(gains)[:, None] * voice() + 1e-4 * np.stack([voice(seed=1), voice(seed=2)])).astype(np.float32)
    path = write(tmp_path / "a.mka", channels, "stereo")
    louder = int(np.argmax(np.abs(gains)))
    assert probe_audio(path).downmix == Downmix(channel=louder)
    np.testing.assert_array_equal(decoded(path), channels[louder])


@pytest.mark.parametrize("gains", [(1, 1), (1, 0), (0, 1), (1, -0.4)])
def test_what_does_not_cancel_is_summed(tmp_path: Path, gains: tuple[float, float]) -> None:
    channels = (np.array(gains)[:, None] * voice()).astype(np.float32)
    assert probe_audio(write(tmp_path / "a.mka", channels, "stereo")).downmix == SUM


def test_the_whole_file_decides_for_every_part_of_it(tmp_path: Path) -> None:
    """A quiet start in phase is not summed while the rest of the file is one channel."""
    start, rest = 0.1 * voice(), voice(3, seed=1)
    path = write(
        tmp_path / "a.mka", np.stack([np.concatenate([start, rest]), np.concatenate([start, -rest])]), "stereo"
    )
    part = np.concatenate(list(decode_audio(path, end=1.0)))
    np.testing.assert_array_equal(part, start)
    np.testing.assert_array_equal(decoded(path)[RATE:], rest)


def test_a_mean_beside_the_audio_does_not_hide_that_it_cancels(tmp_path: Path) -> None:
    channels = np.stack([0.2 + voice(), 0.2 - 0.99 * voice()]).astype(np.float32)
    path = write(tmp_path / "a.mka", channels, "stereo")
    assert probe_audio(path).downmix == Downmix(channel=0)


@pytest.mark.parametrize("count", range(2, 9))
def test_channels_whose_speakers_nobody_names(count: int) -> None:
    channels = np.random.default_rng(count).normal(0, 0.1, (count, 50)).astype(np.float32)
    unnamed = av.AudioLayout(f"{count} channels")
    np.testing.assert_array_equal(
        weighted_sum(channels, unnamed), weighted_sum(channels, av.AudioLayout(LAYOUTS[count]))
    )


def test_every_operation_is_rounded_to_float32() -> None:
    channels = np.random.default_rng(0).normal(0, 0.3, (6, 2000)).astype(np.float32)
    expected = np.zeros(2000, np.float32)
    for weight, channel in zip((0.5, 0.5, 0.70710677, 0, 0.35355338, 0.35355338), channels, strict=True):
        product = (np.float64(np.float32(weight)) * channel).astype(np.float32)
        expected = (expected.astype(np.float64) + product).astype(np.float32)
    np.testing.assert_array_equal(weighted_sum(channels, av.AudioLayout("5.1")), expected)
