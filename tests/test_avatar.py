"""One avatar, several ways to the same frames: as a whole, in pieces, from a package, with more or less memory."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline import Avatar, FrameGenerationPipeline
from frame_generation_pipeline.audio.decode import decode_audio
from frame_generation_pipeline.errors import AudioError, MissingFileError, OptionError, PackageError
from frame_generation_pipeline.package.pack import pack_avatar
from frame_generation_pipeline.spec import BLENDS
from samples import write_template, write_wav

SECONDS = 1.3


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("audio") / "a.wav", SECONDS)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, encoder_path: Path) -> Path:
    folder = tmp_path_factory.mktemp("package")
    template = write_template(folder / "template", 4, parsing=True)
    pack_avatar(folder / "may.avatar", checkpoint=checkpoint, template=template, encoder=encoder_path, licence="CC0")
    return folder / "may.avatar"


@pytest.fixture(scope="module")
def whole(package: Path, audio: Path) -> list[np.ndarray]:
    return list(Avatar.load(package).frames(audio))


def assert_equal(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("blend", BLENDS)
def test_like_the_reference(package: Path, checkpoint: Path, encoder_path: Path, audio: Path, blend: str) -> None:
    found_frames = list(Avatar.load(package, blend=blend).frames(audio))
    assert len(found_frames) == round(SECONDS * 25)
    folder = package.parent
    reference = FrameGenerationPipeline(checkpoint, device="cpu", encoder_path=encoder_path, blend=blend)
    frames = reference.frames(folder / "template", audio_path=audio, use_parsing=True)
    for found, expected in zip(found_frames, frames, strict=True):
        difference = np.abs(found.astype(int) - expected)
        assert 10 * np.log10(255**2 / max((difference**2).mean(), 1e-9)) >= 50
        assert (difference <= 2).mean() >= 0.999


@pytest.mark.parametrize(
    "options",
    [{"cache_size": 0}, {"cache_size": 5_000_000}, {"threads": 1}, {"threads": 3}, {"cache_file": "faces"}],
    ids=str,
)
def test_speed_changes_nothing(
    package: Path, audio: Path, whole: list[np.ndarray], tmp_path: Path, options: dict[str, object]
) -> None:
    if "cache_file" in options:
        options = {"cache_file": tmp_path / "faces"}
    avatar = Avatar.load(package, **options)  # type: ignore[arg-type]
    for _ in range(2):
        assert_equal(list(avatar.frames(audio)), whole)


@pytest.mark.parametrize("milliseconds", [1, 7, 40, 333, 10_000])
def test_pieces_give_the_same_frames(package: Path, audio: Path, whole: list[np.ndarray], milliseconds: int) -> None:
    samples = np.concatenate(list(decode_audio(audio)))
    size = 16 * milliseconds
    session = Avatar.load(package).live()
    frames: list[np.ndarray] = []
    for start in range(0, len(samples), size):
        made = session.push(samples[start : start + size])
        frames += made
        heard = min(start + size, len(samples)) / 16_000
        assert len(frames) <= max(0, (heard - 0.44) * 25 + 1)  # nothing is made of sound that nobody heard
        assert len(frames) >= (heard - 0.61) * 25  # and nothing waits longer than its block of features
    frames += session.finish()
    assert_equal(frames, whole)


def test_live_start_frame_and_bad_sound(package: Path) -> None:
    avatar = Avatar.load(package)
    with pytest.raises(OptionError, match="frames 0 to 3"):
        avatar.live(start_frame=4)
    with pytest.raises(AudioError):
        avatar.live().push(np.full(100, np.nan, np.float32))
    with pytest.raises(AudioError):
        avatar.live().finish()
    frames = avatar.live(start_frame=1)
    frames.push(np.zeros(1600, np.float32))
    assert len(frames.finish()) == 2


def test_without_an_audio_program(
    checkpoint: Path, features_path: Path, template_dir: Path, audio: Path, tmp_path: Path
) -> None:
    pack_avatar(tmp_path / "may", checkpoint=checkpoint, template=template_dir)
    avatar = Avatar.load(tmp_path / "may")
    assert len(list(avatar.frames(audio_features_path=features_path))) == 8
    with pytest.raises(OptionError, match="give an audio encoder"):
        avatar.frames(audio)
    with pytest.raises(OptionError, match="no audio encoder"):
        avatar.live()


def test_video_and_pictures(package: Path, audio: Path, tmp_path: Path) -> None:
    avatar = Avatar.load(package)
    assert avatar.manifest is not None
    assert avatar.manifest.licence == "CC0"
    video = avatar.generate_video(audio, tmp_path / "a.mp4", frames_dir=tmp_path / "f", frame_format="jpg")
    assert video.stat().st_size > 1000
    assert len(list((tmp_path / "f").iterdir())) == round(SECONDS * 25)
    assert len(avatar.generate_pictures(audio, tmp_path / "p", start_time=0.5, end_time=0.7)) == 5


def test_what_is_no_avatar(tmp_path: Path, audio: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        Avatar.load(tmp_path / "nowhere.avatar")
    with pytest.raises(PackageError, match=r"a\.wav"):
        Avatar.load(audio)
