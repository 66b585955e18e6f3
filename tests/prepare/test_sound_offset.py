"""Sound that was recorded beside the camera."""

import wave
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame, Samples
from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import AudioError, OutputError
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.prepare.sound_offset import sound_offset
from frame_generation_pipeline.spec import WHISPER
from recordings import write_recording

RATE = 16_000


def talk(seconds: float, seed: int = 0) -> Samples:
    """Noise in syllables of 60 to 300 ms, float64."""
    rng = np.random.default_rng(seed)
    level, samples = [], 0
    while samples < seconds * RATE:
        length = int(rng.uniform(0.06, 0.3) * RATE)
        level.append(np.full(length, rng.choice([0.003, 0.03, 0.1, 0.3])))
        samples += length
    return (np.concatenate(level) * rng.normal(0, 0.3, samples))[: round(seconds * RATE)]


def write(path: Path, samples: Samples) -> Path:
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
    found = sound_offset(write(tmp_path / "guide.wav", guide), write(tmp_path / "near.wav", near))
    assert found == pytest.approx(offset, abs=0.02)


def test_another_take_is_refused(tmp_path: Path) -> None:
    guide, other = write(tmp_path / "guide.wav", talk(6)), write(tmp_path / "other.wav", talk(6, seed=5))
    with pytest.raises(AudioError, match=r"other\.wav: does not sound like"):
        sound_offset(guide, other)
    with pytest.raises(AudioError, match=r"silent\.wav: does not sound like"):
        sound_offset(guide, write(tmp_path / "silent.wav", np.zeros(RATE * 3)))


def test_a_template_with_sound_of_another_file(frames: list[Frame], tmp_path: Path) -> None:
    video = write_recording(tmp_path / "mute.mp4", frames[:40], sound=None)
    sound = write(tmp_path / "speech.wav", talk(1.6))
    made = prepare(video, tmp_path / "made", audio=sound)
    assert made.frames == 40
    program = builtin_encoder(WHISPER)
    assert program is not None
    features = AudioFeatures.load(made.folder / "aud_whisper.npy", WHISPER)
    np.testing.assert_array_equal(features.values, extract_features(decode_audio(sound), program).values[:40])
    assert made.summary["audio"] == "speech.wav"
    with pytest.raises(OutputError, match="prepared from"):
        prepare(video, tmp_path / "made", audio=write(tmp_path / "other.wav", talk(1.6, seed=2)))
