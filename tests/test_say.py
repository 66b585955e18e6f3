"""Text to video with a voice that never speaks twice alike: what is spoken stays, and frames are those of its audio."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline import Avatar
from frame_generation_pipeline.errors import OptionError, OutputError, TextError
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.media import video_writer
from frame_generation_pipeline.say import say_audio, say_video
from frame_generation_pipeline.voice.protocol import RATE, VoiceSamples, sentences_of
from frame_generation_pipeline.voice.sentences import Sentence
from samples import write_template

TEXT = "One two. Three four! Five?"


class Whim:
    """A voice of tones, each at a pitch of its own."""

    fingerprint = "whim"

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self._draw = np.random.default_rng()

    def check(self, text: str) -> list[Sentence]:
        return sentences_of(text)

    def speak(self, text: str, number: int) -> Iterator[VoiceSamples]:
        self.spoken.append(text)
        pitch = self._draw.uniform(100, 300)
        for part in range(2):
            time = np.arange(part * 8000, part * 8000 + 8000 + number) / RATE
            yield (0.4 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


@pytest.fixture(scope="module")
def avatar(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, encoder_path: Path) -> Avatar:
    folder = tmp_path_factory.mktemp("say")
    pack_avatar(
        folder / "may", checkpoint=checkpoint, template=write_template(folder / "template", 4), encoder=encoder_path
    )
    return Avatar.load(folder / "may")


def content(video: Path) -> tuple[list[bytes], npt.NDArray[Any]]:
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]
    with av.open(str(video)) as container:
        audio = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return frames, np.concatenate(audio)


def test_the_video_is_that_of_the_audio(avatar: Avatar, tmp_path: Path) -> None:
    first, again, reported = tmp_path / "said.mp4", tmp_path / "again.mp4", []
    voice = Whim()
    voice._draw = np.random.default_rng(5)
    say_video(avatar, TEXT, first, voice=voice, progress=lambda done, total: reported.append((done, total)))
    voice._draw = np.random.default_rng(5)
    say_audio(TEXT, tmp_path / "said.wav", voice=voice)
    avatar.generate_video(tmp_path / "said.wav", again)
    assert first.read_bytes() == again.read_bytes()
    assert voice.spoken == ["One two.", "Three four!", "Five?"] * 2
    assert [done for done, _ in reported] == [*range(1, 51)]
    assert reported[-1] == (50, 50)
    assert {path.name for path in tmp_path.iterdir()} == {"said.mp4", "again.mp4", "said.wav"}


def test_interrupted_it_goes_on_with_what_was_spoken(
    avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_writer, "SECONDS", 0.4)
    voice, output = Whim(), tmp_path / "said.mp4"

    def stop(done: int, total: int) -> None:
        if done == 26:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        say_video(avatar, TEXT, output, voice=voice, progress=stop)
    kept = sorted(path.name for path in (tmp_path / "said.mp4.partial").iterdir())
    assert [name for name in kept if name.endswith("segment")] == ["00000.segment", "00001.segment"]
    before = len([name for name in kept if name.endswith("wav")])
    parts = [(tmp_path / "said.mp4.partial" / f"{i:05d}.wav").read_bytes() for i in range(before)]
    assert before >= 2
    voice.spoken.clear()
    rendered: list[int] = []
    say_video(avatar, TEXT, output, voice=voice, frames_dir=None, progress=lambda done, _: rendered.append(done))
    assert len(voice.spoken) == 3 - before
    assert rendered[:2] == [20, 21]
    frames, audio = content(output)
    assert len(frames) == 50
    segments = np.concatenate([np.frombuffer(part[44:], "<i2") for part in parts]) / 32768
    assert np.corrcoef(audio[1024 : len(segments) - 4096], segments[1024 : len(segments) - 4096])[0, 1] > 0.95
    other = Whim()
    say_video(avatar, TEXT, output, voice=other)
    assert len(other.spoken) == 3  # a complete video is made anew


def test_what_is_wrong_is_raised_before_the_work(avatar: Avatar, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="nothing to say"):
        say_video(avatar, " \n", tmp_path / "a.mp4", voice=Whim())
    with pytest.raises(OutputError, match="unknown video suffix"):
        say_video(avatar, TEXT, tmp_path / "a.txt", voice=Whim())
    with pytest.raises(OptionError, match="impossible frame rate"):
        say_video(avatar, TEXT, tmp_path / "a.mp4", voice=Whim(), fps=0)
    assert not list(tmp_path.iterdir())


def test_a_voice_that_fails_ends_it(avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Whim()
    monkeypatch.setattr(voice, "speak", lambda text, number: iter([]))
    with pytest.raises(TextError, match=r"no audio for 'One two\.'"):
        say_video(avatar, TEXT, tmp_path / "a.mp4", voice=voice)
    assert not list(tmp_path.iterdir())
