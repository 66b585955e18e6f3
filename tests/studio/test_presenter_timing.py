import numpy as np
import pytest

from studio.presenter.timing import LEVEL, loudness, on_frames
from studio.presenter.voices import Utterance

FRAME = 640  # samples at 16 kHz


def utterance(seconds: float, rate: int, amplitude: float = 0.5) -> Utterance:
    """A tone of 200 Hz."""
    time = np.arange(round(seconds * rate)) / rate
    return Utterance((amplitude * np.sin(2 * np.pi * 200 * time)).astype(np.float32), rate, [], "tone", "")


@pytest.mark.parametrize(("samples", "frames"), [(FRAME, 1), (FRAME + 1, 2), (10 * FRAME - 1, 10)])
def test_audio_lasts_a_whole_number_of_frames(samples: int, frames: int) -> None:
    audio, count = on_frames(utterance(samples / 16000, 16000))
    assert count == frames
    assert len(audio) == frames * FRAME
    assert np.count_nonzero(audio[samples:]) == 0


def test_other_rates_become_16_khz() -> None:
    audio, frames = on_frames(utterance(1.0, 24000))
    assert (len(audio), frames) == (16000, 25)
    assert np.abs(np.fft.rfft(audio)).argmax() == 200  # Hz, of one second


@pytest.mark.parametrize("amplitude", [0.05, 0.9])
def test_every_voice_has_one_level(amplitude: float) -> None:
    audio, _ = on_frames(utterance(1.0, 16000, amplitude))
    assert audio.dtype == np.float32
    assert np.sqrt(np.mean(audio**2)) == pytest.approx(LEVEL, rel=0.1)


def test_silence_stays_silence() -> None:
    audio, frames = on_frames(Utterance(np.zeros(FRAME * 3, np.float32), 16000, [], "none", ""))
    assert frames == 3
    assert not audio.any()


def test_loudness_is_that_of_its_frames_and_slow() -> None:
    audio = np.zeros(40 * FRAME, np.float32)
    audio[20 * FRAME :] = LEVEL
    slow = loudness(audio, 40)
    assert slow.shape == (40,)
    assert slow[:13].max() == 0
    assert slow[28:33] == pytest.approx(np.full(5, 0.5))
    assert (np.diff(slow[:33]) >= -1e-9).all()


def test_loudness_has_a_limit() -> None:
    assert loudness(np.ones(30 * FRAME, np.float32), 30).max() == 1
