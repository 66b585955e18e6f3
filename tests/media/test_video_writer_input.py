"""What a video is not made of, and what is left where it cannot be written."""

import resource
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import AudioError, MissingFileError, OptionError, OutputError, VideoError
from frame_generation_pipeline.media import images as images_module
from frame_generation_pipeline.media.video_writer import VideoWriter, check_output
from media.writing import GREY, NOISE, SIZE, write, write_wav


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failed_run_leaves_nothing_and_keeps_the_old_file(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "o.mp4"
    path.write_bytes(b"old")
    with pytest.raises(failure):
        write(path, failure=failure)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_frame(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no frame"):
        write(tmp_path / "o.mp4", 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("frame", [GREY[:, :63], GREY[..., 0], GREY.astype(np.float32)])
def test_frame_that_is_not_as_announced(tmp_path: Path, frame: Frame) -> None:
    with pytest.raises(VideoError, match=r"frame 1 .*48, 64, 3"):
        write(tmp_path / "o.mp4", [GREY, frame])
    assert not list(tmp_path.iterdir())


def test_output_is_checked_before_any_frame(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match=r"\.mp4, \.m4v, \.mov, \.mkv, \.webm"):
        VideoWriter(tmp_path / "o.avi", SIZE, 25)
    with pytest.raises(OutputError, match="found a folder"):
        VideoWriter(tmp_path / "folder.mp4", SIZE, 25)
    with pytest.raises(OutputError, match="expected a folder"):
        VideoWriter(tmp_path / "file" / "o.mp4", SIZE, 25)
    check_output(tmp_path / "new" / "deeper" / "o.MP4")
    assert (tmp_path / "new" / "deeper").is_dir()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"crf": 52}, "crf 52"),
        ({"crf": -1}, "crf -1"),
        ({"preset": "placebo"}, "placebo.*medium"),
        ({"threads": -1}, "threads"),
        ({"size": (0, 10)}, "size"),
        ({"size": (20_000, 10)}, "size"),
        ({"audio_start": -1.0}, "cut"),
        ({"audio_start": 1.0, "audio_end": 1.0}, "cut"),
        ({"audio_start": 9.0}, "no audio"),
        *(({"fps": fps}, "frame rate") for fps in (0, -25, 0.5, 241, float("nan"), float("inf"))),
    ],
)
def test_impossible_options(tmp_path: Path, options: dict[str, Any], match: str) -> None:
    audio = write_wav(tmp_path / "a.wav", 16_000, 1, 0.5)
    arguments: dict[str, Any] = {"size": SIZE, "fps": 25, "audio_path": audio} | options
    with pytest.raises(OptionError, match=match):
        VideoWriter(tmp_path / "o.mp4", **arguments)


def test_unusable_audio(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"gone\.wav"):
        VideoWriter(tmp_path / "o.mp4", SIZE, 25, audio_path=tmp_path / "gone.wav")
    (tmp_path / "text.wav").write_text("no audio at all")
    with pytest.raises(AudioError, match=r"text\.wav"):
        VideoWriter(tmp_path / "o.mp4", SIZE, 25, audio_path=tmp_path / "text.wav")
    assert not (tmp_path / "o.mp4").exists()


def test_encoder_that_cannot_be_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images_module, "BT709", "no number")
    with pytest.raises(TypeError):
        write(tmp_path / "o.mp4")
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"o\.mkv: cannot be written"):
            write(tmp_path / "o.mkv", [np.roll(NOISE, 7 * n) for n in range(60)], crf=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        check_output(tmp_path / "o.mp4")


def test_container_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(OutputError, match="No space left"):
        write(tmp_path / "o.mp4")
