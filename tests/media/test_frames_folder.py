from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OptionError, OutputError
from frame_generation_pipeline.media.frames_folder import FrameFolderWriter
from frame_generation_pipeline.media.video_reader import read_frames

FRAMES = np.random.default_rng(0).integers(0, 256, (4, 12, 16, 3), dtype=np.uint8)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def write(
    folder: Path, frames: Iterable[Frame], frame_format: str = "png", failure: type[BaseException] | None = None
) -> None:
    with FrameFolderWriter(folder, frame_format) as writer:
        for frame in frames:
            writer.write(frame)
        if failure:
            raise failure


def test_frames_there_and_back(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "frames"
    with FrameFolderWriter(folder, "png") as writer:
        paths = [writer.write(frame) for frame in FRAMES]
        assert not any(path.exists() for path in paths)
    assert paths[3] == folder / "frame_00003.png"
    assert names(folder) == [path.name for path in paths]
    np.testing.assert_array_equal(list(read_frames(folder)), FRAMES)


def test_jpeg_quality(tmp_path: Path) -> None:
    sizes = []
    for quality in (10, 95):
        with FrameFolderWriter(tmp_path / str(quality), "jpg", quality) as writer:
            path = writer.write(FRAMES[0])
        sizes.append(path.stat().st_size)
    assert path.name == "frame_00000.jpg"
    assert sizes[0] < sizes[1]


def test_an_earlier_run_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    write(tmp_path, FRAMES)
    for other in ("notes.txt", "frame_1.png", "cover.png"):
        (tmp_path / other).write_text("mine")
    write(tmp_path, FRAMES[:2], "jpg")
    assert names(tmp_path) == ["cover.png", "frame_00000.jpg", "frame_00001.jpg", "frame_1.png", "notes.txt"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failed_run_changes_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    write(tmp_path, FRAMES)
    with pytest.raises(failure):
        write(tmp_path, FRAMES[3:], failure=failure)
    np.testing.assert_array_equal(list(read_frames(tmp_path)), FRAMES)
    assert len(names(tmp_path)) == 4


def test_no_frame(tmp_path: Path) -> None:
    write(tmp_path, FRAMES)
    with pytest.raises(OutputError, match="no frame"):
        write(tmp_path, [])
    assert len(names(tmp_path)) == 4


def test_impossible_options(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="expected a folder"):
        FrameFolderWriter(tmp_path / "file", "png")
    with pytest.raises(OptionError, match="bmp"):
        FrameFolderWriter(tmp_path, "bmp")
    with pytest.raises(OptionError, match="101"):
        FrameFolderWriter(tmp_path, "jpg", 101)


def test_a_name_that_is_taken_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "frame_00000.png").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path, FRAMES)
    assert names(tmp_path) == ["frame_00000.png"]


def test_images_of_somebody_else_are_refused(tmp_path: Path) -> None:
    write(tmp_path, FRAMES)
    (tmp_path / "frame_99999.png").write_text("mine")
    with pytest.raises(OutputError, match=r"frame_99999\.png: is of no earlier run"):
        write(tmp_path, FRAMES[:1])
    assert (tmp_path / "frame_99999.png").read_text() == "mine"
    assert len(names(tmp_path)) == 5


def test_an_end_while_an_earlier_run_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, FRAMES)
    unlink = Path.unlink

    def once(path: Path, missing_ok: bool = False) -> None:
        if path.name == "frame_00002.png":
            raise OSError(5, "Input/output error")
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", once)
        with pytest.raises(OutputError, match="Input/output error"):
            write(tmp_path, FRAMES[:1], "jpg")
    write(tmp_path, FRAMES[:1], "jpg")
    assert names(tmp_path) == ["frame_00000.jpg"]
