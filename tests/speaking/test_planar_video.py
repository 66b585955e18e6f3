"""Videos whose template frames are converted once have the bytes of those whose frames are converted whole."""

from pathlib import Path

import pytest

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.media.video_writer import VideoWriter
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.template.loop import Loop
from samples import write_template

SIZE = 129, 97  # odd: a row and a column are repeated


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("planar")
    for name, parsing in (("plain", False), ("parsing", True)):
        template = write_template(folder / name, 3, size=SIZE, parsing=parsing)
        pack_avatar(folder / f"{name}.avatar", checkpoint=checkpoint, template=template)
    return {name: folder / f"{name}.avatar" for name in ("plain", "parsing")}


def by_whole_frames(avatar: Avatar, features: Path, path: Path) -> bytes:
    with VideoWriter(path, SIZE, 25) as writer:
        for frame in avatar.frames(audio_features_path=features):
            assert frame.shape == (SIZE[1], SIZE[0], 3)
            writer.write(frame)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["plain", "parsing", "file", "none", "steady", "crossfade", "webm"])
def test_the_same_bytes(kind: str, packages: dict[str, Path], features_path: Path, tmp_path: Path) -> None:
    style = Style(steady=kind == "steady", loop=Loop("crossfade" if kind == "crossfade" else "pingpong"))
    file = tmp_path / "faces" if kind == "file" else None
    runtime = Runtime(cache_size=0 if kind == "none" else None, cache_file=file)
    avatar = Avatar.load(packages["parsing" if kind == "parsing" else "plain"], style=style, runtime=runtime)
    suffix = ".webm" if kind == "webm" else ".mp4"
    expected = by_whole_frames(avatar, features_path, tmp_path / f"whole{suffix}")
    for turn in range(2):  # the second time, each frame is kept
        path = avatar.generate_video(None, tmp_path / f"{turn}{suffix}", audio_features_path=features_path)
        assert path.read_bytes() == expected
    assert avatar.states is not None
    assert (avatar.states.places > 0) == (kind != "none")


def test_frames_and_video_at_once(packages: dict[str, Path], features_path: Path, tmp_path: Path) -> None:
    avatar = Avatar.load(packages["plain"])
    path = avatar.generate_video(
        None, tmp_path / "a.mp4", audio_features_path=features_path, frames_dir=tmp_path / "frames"
    )
    assert path.read_bytes() == by_whole_frames(avatar, features_path, tmp_path / "whole.mp4")
    assert len(list((tmp_path / "frames").glob("*.png"))) == 8
