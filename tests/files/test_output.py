import errno
import os
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file, keep_inputs, keep_special, prepare_folder


def test_only_what_is_complete_gets_the_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.json"
    with complete_file(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
        assert temporary.suffix == ".json"
    assert path.read_text() == "one"

    def interrupted() -> None:
        with complete_file(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_what_the_system_refuses(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"x\.json: cannot be written \(No space left"),
        complete_file(tmp_path / "x.json"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected a folder"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="expected a folder"), complete_file(tmp_path / "file" / "x.json"):
        raise AssertionError("not reached")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"), complete_file(tmp_path / "folder") as temporary:
        temporary.touch()


def test_inputs_are_kept(tmp_path: Path) -> None:
    video, folder = tmp_path / "in.mp4", tmp_path / "frames"
    video.write_text("mine")
    folder.mkdir()
    (folder / "frame_00000.png").write_text("mine")
    (tmp_path / "link.mp4").symlink_to(video)
    keep_inputs(tmp_path / "out.mp4", video, folder, None, tmp_path / "absent")
    keep_inputs(folder / "new.png", folder)
    for output in (video, tmp_path / "frames" / ".." / "in.mp4", tmp_path / "link.mp4", folder / "frame_00000.png"):
        with pytest.raises(OutputError, match="is an input, which would be replaced"):
            keep_inputs(output, video, folder)


def test_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(OutputError, match="is a pipe or a device"), complete_file(path):
            pass
    for path in (tmp_path, tmp_path / "nothing", Path(__file__)):
        keep_special(path)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
