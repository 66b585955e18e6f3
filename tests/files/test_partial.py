import errno
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files import partial
from frame_generation_pipeline.files.partial import PartialFolder, alone


def begun(folder: Path, job: dict[str, object] | None) -> list[str]:
    """What a run of this job finds, before it leaves something itself."""
    opened = PartialFolder(folder, folder / "output", job)
    found = sorted(path.name for path in folder.iterdir() if path.name not in (partial.JOB, partial.LOCK))
    (folder / "work").mkdir(exist_ok=True)
    (folder / "piece").write_text("x")
    opened.close(keep=True)
    return found


def test_only_the_same_job_finds_the_work(tmp_path: Path) -> None:
    folder = tmp_path / "x.partial"
    assert begun(folder, {"a": 1, "é": [1, None]}) == []
    assert begun(folder, {"é": [1, None], "a": 1}) == ["piece", "work"]
    assert begun(folder, {"a": 2}) == []
    assert begun(folder, None) == []
    assert begun(folder, None) == []
    (folder / partial.JOB).write_bytes(b"\xff")
    assert begun(folder, {"a": 2}) == []
    PartialFolder(folder, folder, {"a": 2}).close(keep=False)
    assert not folder.exists()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = PartialFolder(tmp_path / "p", tmp_path / "o.mp4", {})
    with pytest.raises(OutputError, match=r"o\.mp4: another run is making it"):
        PartialFolder(tmp_path / "p", tmp_path / "o.mp4", {})
    first.close(keep=False)
    first.close(keep=False)
    PartialFolder(tmp_path / "p", tmp_path / "o.mp4", {}).close(keep=True)


def test_alone(tmp_path: Path) -> None:
    folder, output = tmp_path / "a" / "run", tmp_path / "o"
    with alone(folder, output), pytest.raises(OutputError, match="o: another run is making it"), alone(folder, output):
        pass
    with alone(folder, output):
        assert [path.name for path in folder.iterdir()] == [partial.LOCK]
    assert list(folder.iterdir()) == []


def test_the_other_run_ends_just_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "p"
    first = PartialFolder(folder, tmp_path / "o.mp4", {"a": 1})
    flock = partial.fcntl.flock

    def after_the_end(lock: int, how: int) -> None:
        monkeypatch.setattr(partial.fcntl, "flock", flock)
        first.close(keep=False)
        flock(lock, how)

    monkeypatch.setattr(partial.fcntl, "flock", after_the_end)
    PartialFolder(folder, tmp_path / "o.mp4", {"a": 1}).close(keep=True)
    assert sorted(path.name for path in folder.iterdir()) == [partial.JOB, partial.LOCK]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(partial.fcntl, "flock", refuse)
    assert begun(tmp_path / "p", {}) == []
    assert begun(tmp_path / "p", {}) == ["piece", "work"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("a file")
    with pytest.raises(OutputError, match=r"o\.mp4: cannot be written"):
        PartialFolder(tmp_path / "p", tmp_path / "o.mp4", {})
