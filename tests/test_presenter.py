"""The person who comes with the package: a whole package, in any voice, and silent when nobody speaks."""

import time
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from typer.testing import CliRunner

from frame_generation_pipeline.audio.encoder import builtin_file
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.cli.app import app
from frame_generation_pipeline.making.encoder import usual_audio
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.level import frame_levels
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import FACE_MOBILE, SAMPLE_RATE, STREAMING
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.lips import lip_opening
from frame_generation_pipeline.weights import FOLDER, PRESENTER, PRESENTER_GENERATOR, PRESENTER_LIGHT

HELLO = Path(__file__).parents[1] / "demo" / "hello.ogg"
SECONDS = 2.0  # of it that are said here
CLOSED = 0.028  # face scales: what the tracker says of her lips where they touch, and 1 % more


@pytest.fixture(scope="module")
def presenter() -> Avatar:
    return Avatar.load()


def openings(frames: Iterable[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
    """How far the lips are apart in each frame, in face scales."""
    landmarker = FaceLandmarker(threads=1)
    tracked = []
    for frame in frames:
        (face,) = landmarker.faces(frame)
        tracked.append(lip_opening(face.points))
    return np.array(tracked)


def test_the_package_is_whole_and_says_whose_it_is(presenter: Avatar) -> None:
    assert verify_package(PRESENTER)
    manifest = presenter.manifest
    assert manifest is not None
    assert manifest.generator == load_network(PRESENTER_GENERATOR).spec
    assert manifest.generator.face == FACE_MOBILE
    assert manifest.generator.audio == usual_audio() == STREAMING
    assert builtin_file(load_network(PRESENTER_LIGHT).spec.audio)
    assert (manifest.name, manifest.licence) == ("presenter", "Apache-2.0")
    assert any("CC0" in credit for credit in manifest.credits)
    assert 8 * 25 <= manifest.frame.count <= 20 * 25
    assert min(manifest.frame.width, manifest.frame.height) >= 512
    assert min(box.size for box in manifest.boxes) >= 300
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 53e6


def test_the_recording_meets_itself(presenter: Avatar) -> None:
    """Its last frame is followed by its first one as any other by its neighbour."""
    frames = [presenter.template.read(i).image.astype(np.float64) for i in (0, 1, len(presenter.template) - 1)]
    assert np.abs(frames[2] - frames[0]).mean() < 2 * np.abs(frames[1] - frames[0]).mean() + 0.5


def test_lips_move_with_speech_and_rest_without(presenter: Avatar) -> None:
    spoken = openings(presenter.frames(HELLO, timing=Timing(end=SECONDS)))
    level = np.array(list(frame_levels(decode_audio(HELLO, end=SECONDS), STREAMING.fps)))
    assert len(spoken) == len(level) == SECONDS * 25
    assert spoken[level < -50][:5].max() < CLOSED  # before the first word
    assert np.percentile(spoken, 90) > 0.04
    assert spoken.std() > 0.01


def test_a_frame_needs_no_audio_after_a_fifth_of_a_second(presenter: Avatar) -> None:
    last = 15
    samples = np.concatenate(list(decode_audio(HELLO, end=SECONDS)))
    session = presenter.live()
    session.push(samples[: round((last / 25 + 0.2) * SAMPLE_RATE)])
    frames, end = session.ready(), time.monotonic() + 60
    while len(frames) <= last and time.monotonic() < end:
        time.sleep(0.02)
        frames += session.ready()
    session.interrupt()
    assert len(frames) == last + 1
    for frame, expected in zip(frames, presenter.frames(HELLO, timing=Timing(end=SECONDS)), strict=False):
        np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("level", [0.0, 0.002, 0.05])
def test_lips_rest_in_silence_and_noise(presenter: Avatar, tmp_path: Path, level: float) -> None:
    noise = (level * np.random.default_rng(0).normal(size=9_600)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 16_000)
    quiet = openings(presenter.frames(tmp_path / "noise.wav"))
    assert (quiet < CLOSED).mean() > 0.9
    assert quiet.max() < CLOSED + 0.005


def test_speaks_where_nobody_is_named(tmp_path: Path) -> None:
    command = ["generate", "--audio", str(HELLO), "--end", "0.4", "-o", str(tmp_path / "talk.mp4"), "--quiet"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    with av.open(str(tmp_path / "talk.mp4")) as video:
        assert video.streams.video[0].frames == 10
