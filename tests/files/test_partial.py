import errno
import fcntl
import os
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files import partial
from frame_generation_pipeline.files.partial import PartialFolder, alone


def begun(folder: Path, fingerprint: dict[str, object] | None) -> list[str]:
    """What a run of this fingerprint finds, before it leaves something itself."""
    opened = PartialFolder(folder, folder / "output", fingerprint)
    names = sorted(path.name for path in folder.iterdir() if path.name not in (partial.FINGERPRINT, partial.LOCK))
    (folder / "work").mkdir(exist_ok=True)
    (folder / "piece").write_text("x")
    opened.close(keep=True)
    return names


def test_only_the_same_job_finds_the_work(tmp_path: Path) -> None:
    folder = tmp_path / "x.partial"
    assert begun(folder, {"a": 1, "é": [1, None]}) == []
    assert begun(folder, {"é": [1, None], "a": 1}) == ["piece", "work"]
    assert begun(folder, {"a": 2}) == []
    assert begun(folder, None) == []
    assert begun(folder, None) == []
    (folder / partial.FINGERPRINT).write_bytes(b"")
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
    flock = fcntl.flock

    def after_the_end(lock: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.close(keep=False)
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", after_the_end)
    PartialFolder(folder, tmp_path / "o.mp4", {"a": 1}).close(keep=True)
    assert sorted(path.name for path in folder.iterdir()) == [partial.FINGERPRINT, partial.LOCK]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert begun(tmp_path / "p", {}) == []
    assert begun(tmp_path / "p", {}) == ["piece", "work"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("a file")
    with pytest.raises(OutputError, match=r"o\.mp4: cannot be written"):
        PartialFolder(tmp_path / "p", tmp_path / "o.mp4", {})


@pytest.mark.parametrize("fingerprint", [None, "{}", "[1]", '{"format": "mine"}', "\udcff", "[" * 100_000])
def test_a_folder_of_somebody_else_stays_as_it_is(tmp_path: Path, fingerprint: str | None) -> None:
    folder = tmp_path / "p"
    (folder / "letters").mkdir(parents=True)
    (folder / "letters" / "a.txt").write_text("dear")
    if fingerprint is not None:
        (folder / partial.FINGERPRINT).write_bytes(fingerprint.encode(errors="surrogateescape"))
    with pytest.raises(OutputError, match=r"o\.mp4: .*p exists and holds other files"):
        PartialFolder(folder, tmp_path / "o.mp4", {})
    assert (folder / "letters" / "a.txt").read_text() == "dear"
    assert not (folder / partial.LOCK).exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.txt").write_text("dear")
    (tmp_path / "p").symlink_to(mine)
    with pytest.raises(OutputError, match="is a link"):
        PartialFolder(tmp_path / "p", tmp_path / "o.mp4", {})
    with pytest.raises(OutputError, match="is a link"), alone(tmp_path / "p", tmp_path / "o"):
        pass
    assert [path.name for path in mine.iterdir()] == ["a.txt"]
    for name in (partial.FINGERPRINT, partial.LOCK):
        folder = tmp_path / f"with {name}"
        folder.mkdir()
        (folder / name).symlink_to(mine / "a.txt")
        with pytest.raises(OutputError, match="is no regular file"):
            PartialFolder(folder, tmp_path / "o.mp4", {})
    assert (mine / "a.txt").read_text() == "dear"


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    os.mkfifo(folder / partial.FINGERPRINT)
    with pytest.raises(OutputError, match="is no regular file"):
        PartialFolder(folder, tmp_path / "o.mp4", {})


def test_a_job_that_ended_while_another_was_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of another run is never taken for this one's, and never for somebody else's."""
    folder = tmp_path / "p"
    assert begun(folder, {"a": 1}) == []
    with monkeypatch.context() as patch:
        patch.setattr(partial, "_remove", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            PartialFolder(folder, tmp_path / "o.mp4", {"a": 2})
    assert begun(folder, {"a": 2}) == []
