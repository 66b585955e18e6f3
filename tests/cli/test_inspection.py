"""The images that explain a result, drawn for a generator that paints a face it knows."""

from pathlib import Path

import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.cli.inspection import inspect_speech
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.report.lip_chart import COLOURS, HEIGHT, WIDTH
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.template.template import Template
from samples import write_wav
from speaker import Oracle, write_recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording"))


def image(path: Path) -> Frame:
    return read_image(path)


def test_images(folder: Path, tmp_path: Path) -> None:
    avatar = Avatar(Template.open(folder), Oracle(folder))
    seen: list[tuple[int, int]] = []
    audio = write_wav(tmp_path / "a.wav", 0.4)
    paths = inspect_speech(
        avatar,
        tmp_path / "explained",
        audio_path=audio,
        audio_features_path=folder / "aud_ave.npy",
        timing=Timing(end=0.4),
        frame=3,
        progress=lambda *done: seen.append(done),
    )
    assert [path.name for path in paths] == ["frame.png", "faces.png", "lips.png"]
    assert seen[-1] == (10, 10)
    frame, faces, lips = map(image, paths)
    assert frame.shape[1] == 256
    assert (frame[-200:] != avatar.template.read(4).image[-200:]).any()
    assert faces.shape[1] == 6 * 400
    masked = faces[60:380, 2 * 400 + 30 : 3 * 400 - 30]
    assert (masked == 0).all()
    assert lips.shape == (HEIGHT, WIDTH, 3)
    for colour in COLOURS[:2]:
        assert (lips == colour).all(axis=2).sum() > 50


def test_the_frame_with_the_widest_mouth_without_audio(folder: Path, tmp_path: Path) -> None:
    avatar = Avatar(Template.open(folder), Oracle(folder))
    paths = inspect_speech(avatar, tmp_path, audio_features_path=folder / "aud_ave.npy", timing=Timing(end=0.2))
    assert all(path.is_file() for path in paths)
    with pytest.raises(OptionError, match="frames 0 to 4"):
        inspect_speech(avatar, tmp_path, audio_features_path=folder / "aud_ave.npy", timing=Timing(end=0.2), frame=5)
