"""From recordings of every kind to templates."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from failing import RAISING, failing
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import LibraryError, MissingFileError, OutputError, VideoError
from frame_generation_pipeline.making.encoder import usual_audio
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.prepare.observation import Observer
from frame_generation_pipeline.prepare.prepare import Preparation, prepare
from frame_generation_pipeline.prepare.template_files import has_links
from frame_generation_pipeline.template.prepared import features_name
from frame_generation_pipeline.template.template import Template
from recordings import portrait, write_beginning, write_recording

USUAL = usual_audio()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_template_with_audio_and_features(prepared: Preparation, recording: Path) -> None:
    assert (prepared.frames, prepared.observed, prepared.with_face) == (60, 60, 60)
    template = Template.open(prepared.folder)
    assert len(template) == 60
    assert (template.width, template.height) == (360, 360)
    assert all(100 < box.size < 200 for box in template.boxes)
    assert probe_audio(prepared.folder / "aud.wav").duration == 60 / 25
    features = AudioFeatures.load(prepared.folder / features_name(USUAL.name), USUAL)
    program = builtin_encoder(USUAL)
    assert program is not None
    expected = extract_features(decode_audio(recording), program)
    np.testing.assert_array_equal(features.values, expected.values[:60])
    assert not list(prepared.folder.parent.glob("*.partial"))


def test_boxes_follow_without_jitter_or_lag(prepared: Preparation) -> None:
    template = Template.open(prepared.folder)
    x = np.array([box.x for box in template.boxes], float)
    sway = 8 * np.sin(np.arange(60) / 9)
    assert np.corrcoef(x, sway)[0, 1] > 0.99
    lags: dict[int, float] = {lag: np.corrcoef(x[5 + lag : 55 + lag], sway[5:55])[0, 1] for lag in range(-4, 5)}
    assert abs(next(lag for lag, value in lags.items() if value == max(lags.values()))) <= 1
    figures = prepared.summary
    assert figures["landmarks after"]["jitter"] < 0.7 * figures["landmarks before"]["jitter"]
    assert figures["landmarks after"]["box jitter"] < 0.5 * figures["landmarks before"]["box jitter"]


def test_report_shows_what_was_found(prepared: Preparation) -> None:
    page = (prepared.folder / "report.html").read_text()
    assert "60 of 60 frames are used, 100.0% show a face" in page
    assert "2 s are used; two to five minutes" in page
    assert page.count("data:image/jpeg") == 1
    assert page.count("<svg") >= 2


def test_finished_is_left_alone(prepared: Preparation, recording: Path, frames: list[Frame], tmp_path: Path) -> None:
    seen = []
    again = prepare(recording, prepared.folder, progress=lambda done, *_: seen.append(done))
    assert again == prepared
    assert not seen
    other = write_recording(tmp_path / "other.mp4", frames[:30])
    with pytest.raises(OutputError, match=r"was prepared from person\.mp4"):
        prepare(other, prepared.folder)
    with pytest.raises(OutputError, match="no prepared template"):
        prepare(recording, tmp_path)


def test_killed_and_resumed_to_the_same_bytes(prepared: Preparation, recording: Path, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(done: int, total: int, note: str = "") -> None:
        if done == 25:
            with pytest.raises(OutputError, match="person: another run is making it"):
                prepare(recording, tmp_path / "person")
            raise Killed

    with pytest.raises(Killed):
        prepare(recording, tmp_path / "person", progress=kill)
    assert not (tmp_path / "person").exists()
    records = tmp_path / "person.partial" / "records.f32"
    with records.open("ab") as file:
        file.write(b"half a record")
    seen = []
    prepare(recording, tmp_path / "person", progress=lambda done, *_: seen.append(done))
    assert seen[0] == 26
    assert tree(tmp_path / "person") == tree(prepared.folder)


def test_work_of_another_recording_is_not_mixed(recording: Path, frames: list[Frame], tmp_path: Path) -> None:
    other = write_recording(tmp_path / "other.mp4", frames[:30])
    (tmp_path / "person.partial").mkdir()
    (tmp_path / "person.partial" / "settings.json").write_text(json.dumps({"source": "third.mp4"}))
    with pytest.raises(OutputError, match="another preparation"):
        prepare(other, tmp_path / "person")


def test_without_hard_links(
    prepared: Preparation, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))  # as exFAT answers

    assert has_links(tmp_path)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert not has_links(tmp_path)
    prepare(recording, tmp_path / "copied")
    assert tree(tmp_path / "copied") == tree(prepared.folder)


def test_gaps_are_filled_or_left_out(frames: list[Frame], tmp_path: Path) -> None:
    shown = [*frames, *frames[::-1]]  # 120 frames
    empty = np.full_like(frames[0], 90)
    shown[10:14] = [empty] * 4  # 0.16 s
    shown[60:80] = [empty] * 20  # 0.8 s
    preparation = prepare(write_recording(tmp_path / "gaps.mp4", shown), tmp_path / "gaps")
    assert preparation.summary["ranges"] == [
        {"first": 0, "frames": 60, "start": 0.0},
        {"first": 60, "frames": 40, "start": 3.2},
    ]
    assert preparation.summary["problems"] == {"no face": 24}
    assert len(Template.open(preparation.folder)) == 100
    assert probe_audio(preparation.folder / "aud.wav").duration == 4.0
    features = AudioFeatures.load(preparation.folder / features_name(USUAL.name), USUAL)
    program = builtin_encoder(USUAL)
    assert program is not None
    whole = extract_features(decode_audio(tmp_path / "gaps.mp4"), program).values
    np.testing.assert_array_equal(features.values, np.concatenate([whole[:60], whole[80:120]]))
    page = (preparation.folder / "report.html").read_text()
    assert "cut into 2 parts" in page
    assert "24 frames: no face" in page


def test_any_frame_rate_without_drift(frames: list[Frame], tmp_path: Path) -> None:
    slow = write_recording(tmp_path / "slow.mp4", frames[:45], fps=15)
    preparation = prepare(slow, tmp_path / "slow")
    assert preparation.frames == 75
    uneven = write_recording(
        tmp_path / "uneven.mp4", frames[:50], times=lambda i: i / 25 + (0.015 if i % 2 else 0), seconds=2.0
    )
    assert prepare(uneven, tmp_path / "uneven").frames in (50, 51)  # AAC makes the audio a little longer


def test_images_that_begin_after_the_audio(frames: list[Frame], tmp_path: Path) -> None:
    late = write_recording(tmp_path / "late.mp4", frames[:40], times=lambda i: 0.4 + i / 25, seconds=2.0)
    preparation = prepare(late, tmp_path / "late")
    assert preparation.summary["ranges"] == [{"first": 0, "frames": 40, "start": 0.4}]
    program = builtin_encoder(USUAL)
    assert program is not None
    whole = extract_features(decode_audio(late), program).values
    features = AudioFeatures.load(preparation.folder / features_name(USUAL.name), USUAL)
    np.testing.assert_array_equal(features.values, whole[10:50])


def test_lost_images_are_left_out_with_their_audio(
    frames: list[Frame], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a second is missing after frame 27: what stands still meanwhile would teach that speech moves no mouth."""
    kept = frames[:28] + frames[:30]
    recording = write_recording(
        tmp_path / "lost.mkv", kept, seconds=70 / 25, times=lambda index: (index + (12 if index >= 28 else 0)) / 25
    )
    prepared = prepare(recording, tmp_path / "lost")
    assert "has no images for 0.5 s in all" in caplog.text
    assert prepared.observed == prepared.frames == 58
    assert [(part["frames"], part["start"]) for part in prepared.summary["ranges"]] == [(28, 0.0), (30, 40 / 25)]
    assert prepared.summary["cuts"] == [40 / 25]
    decoded = np.concatenate(list(decode_audio(prepared.folder / "aud.wav")))
    whole = np.concatenate(list(decode_audio(recording)))
    expected = np.concatenate([whole[: 28 * 640], whole[40 * 640 : 70 * 640]])
    np.testing.assert_allclose(decoded[: len(expected)], expected[: len(decoded)], atol=1e-4)
    assert len(decoded) == 58 * 640


def test_without_audio(frames: list[Frame], tmp_path: Path) -> None:
    preparation = prepare(write_recording(tmp_path / "silent.mp4", frames[:30], seconds=None), tmp_path / "silent")
    assert preparation.frames == 30
    assert not list(preparation.folder.glob("aud*"))
    assert "There is no audio" in (preparation.folder / "report.html").read_text()


def test_cut_off_in_the_middle(recording: Path, frames: list[Frame], tmp_path: Path) -> None:
    whole = write_recording(tmp_path / "whole.mkv", frames)
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) * 2 // 3])
    preparation = prepare(tmp_path / "half.mkv", tmp_path / "half")
    assert 25 <= preparation.frames < 60


def test_two_people(frames: list[Frame], tmp_path: Path) -> None:
    small = [image[::2, ::2] for image in frames[:30]]
    pairs = []
    for large, other in zip(frames[:30], small, strict=True):
        canvas = np.full((360, 600, 3), 90, np.uint8)
        canvas[:, :360], canvas[90:270, 400:580] = large, other
        pairs.append(canvas)
    preparation = prepare(write_recording(tmp_path / "two.mp4", pairs), tmp_path / "two")
    assert preparation.summary["two_faces"] > 5
    assert all(box.x + box.size < 360 for box in Template.open(preparation.folder).boxes)
    assert "second face" in (preparation.folder / "report.html").read_text()


@pytest.mark.parametrize("kind", ["nothing", "text", "audio", "one frame", "no face"])
def test_recordings_that_cannot_be_used(kind: str, frames: list[Frame], tmp_path: Path) -> None:
    path = tmp_path / "bad.mp4"
    error: type[Exception] = VideoError
    if kind == "nothing":
        error = MissingFileError
    elif kind == "text":
        path.write_text("no video")
    elif kind == "audio":
        from samples import write_wav

        path = write_wav(tmp_path / "bad.wav", 1.0)
    elif kind == "one frame":
        write_recording(path, [np.full((64, 64, 3), 90, np.uint8)], seconds=None)
    else:
        write_recording(path, [np.full_like(frames[0], 90)] * 30)
    with pytest.raises(error) as caught:
        prepare(path, tmp_path / "bad")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize("name", RAISING)
def test_what_a_library_raises_is_one_of_our_errors(
    name: str, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, fail = RAISING[name]
    monkeypatch.setattr(Observer, "observe", failing(fail))
    with pytest.raises(LibraryError, match=rf"^the recording could not be prepared: {library} failed \("):
        prepare(recording, tmp_path / "person")


def test_room_is_checked_before_the_work(recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 1_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    with pytest.raises(OutputError, match=r"person\.partial: about 6[01] frames and what is made of them take about"):
        prepare(recording, tmp_path / "person")
    asked: list[tuple[int, int]] = []
    free = 10**7

    def much(frames: int, size: int) -> int:
        asked.append((frames, size))
        return 10**12

    with pytest.raises(OutputError, match="take about 1000"):
        prepare(recording, tmp_path / "person", further=much)
    ((frames, size),) = asked
    assert frames in (60, 61)  # as long as the audio lasts, to which some encoders add a little
    assert 10_000 < size < 200_000


def test_output_that_cannot_be_written(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        prepare(recording, tmp_path / "file" / "person")


def test_real_footage(real_dir: Path, tmp_path: Path) -> None:
    clip = write_beginning(tmp_path / "presenter.mp4", real_dir / "presenter.mp4", seconds=4)
    preparation = prepare(clip, tmp_path / "presenter")
    assert preparation.with_face / preparation.observed >= 0.99
    assert preparation.observed == preparation.frames
    assert 96 <= preparation.frames <= 101  # the last ones may come after others that were cut off


def test_a_working_folder_of_somebody_else(tmp_path: Path) -> None:
    work = tmp_path / "may.partial"
    work.mkdir()
    (work / "letter.txt").write_text("dear")
    recording = write_recording(tmp_path / "r.mp4", [portrait()] * 3)
    with pytest.raises(OutputError, match="holds other files than a preparation's"):
        prepare(recording, tmp_path / "may")
    assert [path.name for path in work.iterdir()] == ["letter.txt"]
