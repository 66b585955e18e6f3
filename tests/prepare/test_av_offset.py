"""How far audio and video are apart, of the presenter who says a sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import OptionError, OutputError
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.prepare.av_offset import MOST_OFFSET, WORTH, find_offset
from frame_generation_pipeline.prepare.observation import Observation, Observer
from frame_generation_pipeline.prepare.prepare import prepare
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import SAMPLE_RATE
from frame_generation_pipeline.weights import SPEECH
from recordings import with_tracks, write_recording

SECONDS = 10.0  # of the speech that are said here
BOUND = 15  # milliseconds by which what is found may be off


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "hello.mp4"
    Avatar.load().generate_video(SPEECH, path, timing=Timing(end=SECONDS))
    return path


@pytest.fixture(scope="module")
def observations(clip: Path) -> list[Observation]:
    observer = Observer()
    return [observer.observe(number, image) for number, image in Recording.open(clip).frames(25)]


@pytest.fixture(scope="module")
def speech() -> npt.NDArray[np.float32]:
    return np.concatenate(list(decode_audio(SPEECH, end=SECONDS)))


def moved(samples: npt.NDArray[np.float32], milliseconds: int) -> npt.NDArray[np.float32]:
    """The samples so much later, as many as before."""
    places = np.arange(len(samples)) - milliseconds * SAMPLE_RATE // 1000
    inside = (places >= 0) & (places < len(samples))
    return np.where(inside, samples[np.clip(places, 0, len(samples) - 1)], np.float32(0))


def found(
    video: Path, samples: npt.NDArray[np.float32], observations: list[Observation], folder: Path
) -> tuple[float, int] | None:
    """Milliseconds that are found of the video with other audio, and those corrected; None where it is not sure."""
    recording = Recording.open(with_tracks(folder / "moved.mkv", video, (0.0, samples)))
    offset = find_offset(recording, observations, [None] * len(observations), 25)
    return (offset.found.milliseconds, offset.corrected) if offset.found and offset.sure else None


@pytest.mark.parametrize("late", [-200, -37, 0, 61, 200])
def test_audio_that_was_moved_is_found(
    clip: Path, observations: list[Observation], speech: npt.NDArray[np.float32], tmp_path: Path, late: int
) -> None:
    lag = found(clip, moved(speech, late), observations, tmp_path)
    assert lag is not None
    assert lag[0] == pytest.approx(late, abs=BOUND)
    assert lag[1] == (round(lag[0]) if abs(lag[0]) >= WORTH else 0)
    assert (lag[1] == 0) == (late == 0)


def test_frames_at_another_rate_than_the_features(
    clip: Path, observations: list[Observation], speech: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    recording = Recording.open(with_tracks(tmp_path / "moved.mkv", clip, (0.0, moved(speech, 100))))
    slower = [replace(observations[round(1.25 * number)], number=number) for number in range(round(20 * SECONDS) - 1)]
    offset = find_offset(recording, slower, [None] * len(slower), 20)
    assert offset.sure
    assert offset.corrected == pytest.approx(100, abs=BOUND)


@pytest.mark.parametrize("kind", ["backwards", "half of it later", "noise", "silence"])
def test_other_audio_is_not_believed(
    clip: Path, observations: list[Observation], speech: npt.NDArray[np.float32], tmp_path: Path, kind: str
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, len(speech)).astype(np.float32)
    other = {
        "backwards": speech[::-1],
        "half of it later": np.roll(speech, len(speech) // 2),
        "noise": noise,
        "silence": np.zeros_like(speech),
    }
    assert found(clip, other[kind], observations, tmp_path) is None


def test_a_template_has_the_audio_of_its_lips(
    clip: Path, speech: npt.NDArray[np.float32], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = with_tracks(tmp_path / "late.mkv", clip, (0.0, moved(speech, 160)))
    preparation = prepare(video, tmp_path / "late")
    corrected = preparation.summary["audio and lips"]["corrected"]
    assert corrected == pytest.approx(160, abs=BOUND)
    assert "after the lips, which is corrected" in caplog.text
    assert "after the lips, which is corrected" in (preparation.folder / "report.html").read_text()
    assert preparation.summary["problems"]["without audio"] == corrected // 40
    kept = np.concatenate(list(decode_audio(preparation.folder / "aud.wav")))
    whole = len(kept) - 640  # the audio may end in the last frame
    np.testing.assert_allclose(kept[:whole], moved(speech, 160 - corrected)[:whole], atol=1e-4)
    with pytest.raises(OutputError, match=r"prepared from late\.mkv or otherwise"):
        prepare(video, tmp_path / "late", av_offset=0)


@pytest.mark.parametrize("offset", [-300, 0, 120])
def test_what_is_given_is_taken(frames: list[Frame], tmp_path: Path, offset: int) -> None:
    video = write_recording(tmp_path / "person.mp4", frames[:50])
    preparation = prepare(video, tmp_path / "person", av_offset=offset)
    plain = np.concatenate(list(decode_audio(video)))
    first, last = preparation.summary["ranges"][0]["start"], preparation.summary["ranges"][0]["frames"]
    assert first == pytest.approx(max(-offset, 0) / 1000, abs=0.02)
    begin = round(first * SAMPLE_RATE) + offset * SAMPLE_RATE // 1000
    kept = np.concatenate(list(decode_audio(preparation.folder / "aud.wav")))
    kept, expected = kept[max(-begin, 0) :], plain[max(begin, 0) :]
    shared = min(len(kept), len(expected))
    assert shared > 0.9 * last * 640
    np.testing.assert_allclose(kept[:shared], expected[:shared], atol=1e-4)


def test_offsets_that_cannot_be(frames: list[Frame], tmp_path: Path) -> None:
    silent = write_recording(tmp_path / "silent.mp4", frames[:30], seconds=None)
    with pytest.raises(OptionError, match=r"silent\.mp4: has no audio"):
        prepare(silent, tmp_path / "person", av_offset=40)
    video = write_recording(tmp_path / "person.mp4", frames[:30])
    with pytest.raises(OptionError, match=f"an offset of {MOST_OFFSET + 1} ms; give one from"):
        prepare(video, tmp_path / "person", av_offset=MOST_OFFSET + 1)
    assert not (tmp_path / "person.partial").exists()
