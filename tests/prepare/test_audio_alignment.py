"""Audio that was recorded beside the camera."""

import logging
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import AudioError, OutputError
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.prepare.audio_alignment import align_audio
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.spec import WHISPER
from recordings import with_tracks, write_recording

RATE = 16_000


def talk(seconds: float, seed: int = 0) -> npt.NDArray[np.float64]:
    """Noise in syllables of 60 to 300 ms, float64."""
    rng = np.random.default_rng(seed)
    level, samples = [], 0
    while samples < seconds * RATE:
        length = int(rng.uniform(0.06, 0.3) * RATE)
        level.append(np.full(length, rng.choice([0.003, 0.03, 0.1, 0.3])))
        samples += length
    return (np.concatenate(level) * rng.normal(0, 0.3, samples))[: round(seconds * RATE)]


def write(path: Path, samples: npt.NDArray[np.float64]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("offset", [0.0, 1.37, -2.2])
def test_found_through_another_microphone(tmp_path: Path, offset: float) -> None:
    scene = talk(14)
    far = np.convolve(scene, np.exp(-np.arange(800) / 200))[: len(scene)] / 40
    guide = far[3 * RATE : 11 * RATE] + np.random.default_rng(1).normal(0, 0.001, 8 * RATE)
    begin = round((3 + offset) * RATE)
    near = scene[begin : begin + 7 * RATE]
    alignment = align_audio(write(tmp_path / "guide.wav", guide), write(tmp_path / "near.wav", near))
    assert alignment.offset == pytest.approx(offset, abs=0.02)
    assert (alignment.stretch, alignment.drift) == (1, 0)


def test_silence_at_an_end_misleads_nobody(tmp_path: Path) -> None:
    """Even speech, in which half a second of silence is by far the largest change of level."""
    rng = np.random.default_rng(1)
    speech = np.interp(np.arange(3 * RATE), np.arange(0, 3.1 * RATE, RATE // 10), rng.uniform(0.3, 1, 31))
    speech *= 0.5 * np.sin(np.arange(3 * RATE) / 14)
    guide = write(tmp_path / "guide.wav", speech / 5 + rng.normal(0, 0.01, len(speech)))
    found = align_audio(guide, write(tmp_path / "audio.wav", np.concatenate([np.zeros(RATE // 2), speech])))
    assert found.offset == pytest.approx(-0.5, abs=0.006)


def stretched(samples: npt.NDArray[np.float64], ppm: float) -> npt.NDArray[np.float64]:
    """What a recorder hears whose clock is so much faster: more samples of the same."""
    count = round(len(samples) * (1 + ppm / 1e6))
    return np.asarray(np.interp(np.arange(count) / (1 + ppm / 1e6), np.arange(len(samples)), samples), np.float64)


def test_a_clock_that_drifts_is_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Over three minutes, at whose end the audio is off by 40 ms."""
    scene = talk(202)
    guide = write(tmp_path / "guide.wav", scene + np.random.default_rng(1).normal(0, 0.003, len(scene)))
    audio = write(tmp_path / "audio.wav", stretched(scene[2 * RATE :], 200))
    with caplog.at_level(logging.WARNING):
        alignment = align_audio(guide, audio)
    assert alignment.drift == pytest.approx(200, abs=5)
    assert alignment.offset == pytest.approx(2, abs=0.003)
    assert "audio.wav: its clock and the video's differ by" in caplog.text
    assert "0.04 s over 200 s, which is corrected" in caplog.text
    corrected = np.concatenate(list(alignment.apply(decode_audio(audio))))
    assert len(corrected) == pytest.approx(200 * RATE, abs=0.003 * RATE)
    late = slice(-10 * RATE, -5 * RATE)
    assert np.corrcoef(np.abs(corrected)[late], np.abs(scene)[late])[0, 1] > 0.3  # off by 40 ms it is below 0.1


def test_audio_with_a_part_missing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = talk(120)
    guide = write(tmp_path / "guide.wav", scene)
    audio = write(tmp_path / "audio.wav", np.delete(scene, slice(60 * RATE, round(60.2 * RATE))))
    with caplog.at_level(logging.WARNING):
        alignment = align_audio(guide, audio)
    assert alignment.stretch == 1
    assert "audio.wav: seems to move by 0.2" in caplog.text


def test_small_differences_of_clocks_are_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = talk(120)
    alignment = align_audio(write(tmp_path / "guide.wav", scene), write(tmp_path / "audio.wav", stretched(scene, 50)))
    assert alignment.drift == 0
    assert alignment.offset == pytest.approx(0, abs=0.006)
    assert not caplog.text


def test_a_template_has_audio_at_the_videos_clock(frames: list[Frame], tmp_path: Path) -> None:
    """A recorder of 1500 ppm, whose audio is 36 ms late at the end of 24 s."""
    scene = talk(24)
    mute = write_recording(tmp_path / "mute.mp4", frames[:40], seconds=None)
    video = with_tracks(tmp_path / "video.mkv", mute, (0.0, scene.astype(np.float32)))
    audio = write(tmp_path / "speech.wav", stretched(scene, 1500))
    preparation = prepare(video, tmp_path / "made", audio=audio, mode="whisper")
    assert preparation.frames == 40
    assert preparation.summary["audio drift"] == pytest.approx(1500, abs=40)
    assert "clock differs from the video's by 1" in (preparation.folder / "report.html").read_text().replace(
        "&#39;", "'"
    )
    recording = Recording.open(video, audio)
    assert recording.seconds == pytest.approx(24, abs=0.003)
    decoded = np.concatenate(list(recording.audio()))
    assert len(decoded) / RATE == pytest.approx(24, abs=0.003)
    template = np.concatenate(list(decode_audio(preparation.folder / "aud.wav")))
    np.testing.assert_allclose(template, decoded[: len(template)].clip(-1, 1), atol=1e-4)


@pytest.mark.parametrize("seconds", [3, 6])
def test_another_take_is_refused(tmp_path: Path, seconds: int) -> None:
    """In few seconds other speech fits somewhere, but not as well as the same."""
    guide = write(tmp_path / "guide.wav", talk(seconds))
    for seed in range(1, 6):
        with pytest.raises(AudioError, match=r"other\.wav: does not sound like"):
            align_audio(guide, write(tmp_path / "other.wav", talk(seconds, seed)))
    with pytest.raises(AudioError, match=r"silent\.wav: does not sound like"):
        align_audio(guide, write(tmp_path / "silent.wav", np.zeros(RATE * 3)))


def test_a_template_with_audio_of_another_file(frames: list[Frame], tmp_path: Path) -> None:
    video = write_recording(tmp_path / "mute.mp4", frames[:40], seconds=None)
    audio = write(tmp_path / "speech.wav", talk(1.6))
    preparation = prepare(video, tmp_path / "made", audio=audio, mode="whisper")
    assert preparation.frames == 40
    program = builtin_encoder(WHISPER)
    assert program is not None
    features = AudioFeatures.load(preparation.folder / "aud_whisper.npy", WHISPER)
    np.testing.assert_array_equal(features.values, extract_features(decode_audio(audio), program).values[:40])
    assert preparation.summary["audio"] == "speech.wav"
    with pytest.raises(OutputError, match="prepared from"):
        prepare(video, tmp_path / "made", audio=write(tmp_path / "other.wav", talk(1.6, seed=2)), mode="whisper")
