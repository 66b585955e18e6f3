"""One avatar, several ways to the same frames: as a whole, in pieces, from a package, with more or less memory."""

import time
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline import Avatar, FrameGenerationPipeline
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.audio.gate import Gate
from frame_generation_pipeline.errors import AudioError, MissingFileError, OptionError, PackageError
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.session import Session
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import BLENDS
from frame_generation_pipeline.template.loop import Loop
from samples import write_wav

SECONDS = 1.3


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("audio") / "a.wav", SECONDS)


@pytest.fixture(scope="module")
def whole(package: Path, audio: Path) -> list[Frame]:
    return list(Avatar.load(package).frames(audio))


def take(session: Session, frames: list[Frame], least: float) -> None:
    """Take what is painted, and wait until there are `least` frames in all."""
    began = time.monotonic()
    while True:
        frames += session.ready()
        if len(frames) >= least:
            return
        assert time.monotonic() - began < 60, f"{len(frames)} frames, expected at least {least:.1f}"
        time.sleep(0.001)


def assert_equal(actual: list[Frame], expected: list[Frame]) -> None:
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("blend", BLENDS)
def test_like_the_reference(package: Path, checkpoint: Path, encoder_path: Path, audio: Path, blend: str) -> None:
    found_frames = list(Avatar.load(package, style=Style(blend=blend)).frames(audio))
    assert len(found_frames) == round(SECONDS * 25)
    folder = package.parent
    reference = FrameGenerationPipeline(checkpoint, device="cpu", encoder_path=encoder_path, style=Style(blend=blend))
    frames = reference.frames(folder / "template", audio_path=audio, use_parsing=True)
    for actual, expected in zip(found_frames, frames, strict=True):
        difference = np.abs(actual.astype(int) - expected)
        assert 10 * np.log10(255**2 / max((difference**2).mean(), 1e-9)) >= 50
        assert (difference <= 2).mean() >= 0.999


@pytest.mark.parametrize(
    "runtime",
    [
        Runtime(cache_size=0),
        Runtime(cache_size=5_000_000),
        Runtime(threads=1),
        Runtime(threads=3),
        Runtime(cache_file=Path("faces")),
    ],
    ids=str,
)
def test_speed_changes_nothing(
    package: Path, audio: Path, whole: list[Frame], tmp_path: Path, runtime: Runtime
) -> None:
    if runtime.cache_file is not None:
        runtime = Runtime(cache_file=tmp_path / "faces")
    avatar = Avatar.load(package, runtime=runtime)
    for _ in range(2):
        assert_equal(list(avatar.frames(audio)), whole)


STYLES = {
    "reference": Style(blend="reference"),
    "no gate": Style(gate=None),
    "eager gate": Style(gate=Gate(silence=-7.5, speech=-7)),
    "steady": Style(steady=True),
    "loop": Style(loop=Loop("crossfade")),
    "range": Style(loop=Loop("pingpong", 1, 3)),
    "all": Style(gate=Gate(silence=-7.5, speech=-7), steady=True, loop=Loop("crossfade", 0, 3)),
}


@pytest.fixture(scope="module")
def pausing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audio, silence of 0.8 s, audio."""
    path = tmp_path_factory.mktemp("audio") / "pausing.wav"
    seconds = np.arange(32_000) / 16_000
    tone = 0.4 * np.sin(2 * np.pi * 180 * seconds) * ((seconds < 0.6) | (seconds > 1.4))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", "NONE"))
        file.writeframes((32767 * tone).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_the_same_live_and_in_part(package: Path, pausing: Path, style: str) -> None:
    avatar = Avatar.load(package, style=STYLES[style])
    frames = list(avatar.frames(pausing))
    assert len(frames) == 50
    usual = list(Avatar.load(package).frames(pausing))
    assert any((a != b).any() for a, b in zip(frames, usual, strict=True))
    samples = np.concatenate(list(decode_audio(pausing)))
    session = avatar.live()
    live: list[Frame] = []
    for start in range(0, len(samples), 3111):
        session.push(samples[start : start + 3111])
        pushed = min(start + 3111, len(samples)) / 16_000
        take(session, live, (pushed - 0.61) * 25 - avatar.style.steady)  # a steadied frame waits for the next one
    session.finish()
    assert_equal([*live, *session.frames()], frames)
    if not avatar.style.steady and avatar.style.loop == Loop():  # else a frame depends on where speech was entered
        part = list(avatar.frames(pausing, timing=Timing(0.8, 1.2, start_frame=2)))
        assert_equal(part, frames[20:30])


def test_the_mouth_rests_in_silence_alone(package: Path, pausing: Path) -> None:
    avatar = Avatar.load(package)
    frames, free = (
        list(replace(avatar, style=style).frames(pausing)) for style in (avatar.style, replace(avatar.style, gate=None))
    )
    equal = [np.array_equal(a, b) for a, b in zip(frames, free, strict=True)]
    assert all(equal[:17])  # speech, and two frames after it
    assert not any(equal[17:31])
    assert all(equal[31:])  # free again before frame 35, where speech begins
    assert avatar.rest is not None
    index = avatar.template.index(22)
    template = avatar.template.read(index)
    crop = template.box.cut(template.image).copy()
    state = avatar.generator.encode_face(crop)
    patch = avatar.generator.render(state, avatar.rest, crop, template.keep, "feathered")
    np.testing.assert_array_equal(template.box.cut(frames[22]), patch)
    assert_equal(
        list(replace(avatar, style=Style("reference")).frames(pausing)),
        list(replace(avatar, style=Style("reference", None)).frames(pausing)),
    )


@pytest.mark.parametrize("milliseconds", [1, 7, 40, 333, 10_000])
def test_pieces_give_the_same_frames(package: Path, audio: Path, whole: list[Frame], milliseconds: int) -> None:
    samples = np.concatenate(list(decode_audio(audio)))
    size = 16 * milliseconds
    session = Avatar.load(package).live()
    frames: list[Frame] = []
    for start in range(0, len(samples), size):
        session.push(samples[start : start + size])
        pushed = min(start + size, len(samples)) / 16_000
        take(session, frames, (pushed - 0.61) * 25)  # nothing waits longer than its block of features
        assert len(frames) <= max(0, (pushed - 0.44) * 25 + 1)  # nothing is made of audio that nobody heard
    session.finish()
    assert_equal([*frames, *session.frames()], whole)


def test_live_start_frame_and_bad_audio(package: Path) -> None:
    avatar = Avatar.load(package)
    with pytest.raises(OptionError, match="frames 0 to 3"):
        avatar.live(start_frame=4)
    with pytest.raises(AudioError):
        avatar.live().push(np.full(100, np.nan, np.float32))
    with pytest.raises(AudioError):
        avatar.live().finish()
    session = avatar.live(start_frame=1)
    session.push(np.zeros(1600, np.float32))
    session.finish()
    assert len(list(session.frames())) == 2


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


def test_video_and_images(package: Path, audio: Path, tmp_path: Path) -> None:
    avatar = Avatar.load(package)
    assert avatar.manifest is not None
    assert avatar.manifest.licence == "CC0"
    encoding = Encoding(frame_format="jpg")
    video = avatar.generate_video(audio, tmp_path / "a.mp4", frames_dir=tmp_path / "f", encoding=encoding)
    assert video.stat().st_size > 1000
    assert len(list((tmp_path / "f").iterdir())) == round(SECONDS * 25)
    assert len(avatar.generate_images(audio, tmp_path / "p", timing=Timing(0.5, 0.7))) == 5


def test_styles_that_cannot_be(package: Path) -> None:
    for style, message in (
        (Style(blend="hard"), "blend 'hard' is unknown"),
        (Style(loop=Loop(first=2, stop=5)), "frames 2:5 do not exist"),
    ):
        with pytest.raises(OptionError, match=message):
            Avatar.load(package, style=style)
    with pytest.raises(OptionError, match="start frame 2"):
        Avatar.load(package, style=Style(loop=Loop(first=1, stop=3))).live(start_frame=2)


def test_what_is_no_avatar(tmp_path: Path, audio: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        Avatar.load(tmp_path / "nowhere.avatar")
    with pytest.raises(PackageError, match=r"a\.wav"):
        Avatar.load(audio)
