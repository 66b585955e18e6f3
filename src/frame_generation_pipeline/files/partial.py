"""Unfinished work that outlives its process: a folder that is taken up again by those who want the very same."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file, prepare_folder, writing

if sys.platform != "win32":
    import fcntl

JOB, LOCK = "job.json", "lock"
SUFFIX = ".partial"  # added to the name of what is being made


class PartialFolder:
    """What is finished of `output` so far, in `folder`, for one process at a time.

    job: everything that decides what comes out, as JSON has it; what lies in the folder of another job is removed.
    Without a job nothing is ever taken up again.

    Raises OutputError when another process is at it, or for what the system refuses.
    """

    def __init__(self, folder: Path, output: Path, job: Mapping[str, Any] | None) -> None:
        self.folder = folder
        stated = json.dumps(job, indent=2, sort_keys=True, ensure_ascii=False) + "\n" if job is not None else None
        with writing(output):
            self._lock = _locked(folder, output)
            try:
                if stated is None or not self._is_of(stated):
                    for path in folder.iterdir():
                        if path.name != LOCK:
                            _remove(path)
                    with complete_file(folder / JOB) as temporary:  # last, so that it never stands beside other work
                        temporary.write_text(stated or "", "utf-8")
            except BaseException:
                self.close(keep=True)
                raise

    def close(self, *, keep: bool) -> None:
        """Let others at the folder, or remove it."""
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        _unlock(self._lock)
        self._lock = None

    def _is_of(self, stated: str) -> bool:
        with suppress(FileNotFoundError, UnicodeDecodeError):
            return (self.folder / JOB).read_text("utf-8") == stated
        return False


@contextmanager
def alone(folder: Path, output: Path) -> Iterator[None]:
    """Let no other process work on `output` in `folder`, which is made where missing, until the block ends.

    Raises OutputError when another one is at it, or for what the system refuses.
    """
    prepare_folder(folder)
    with writing(output):
        lock = _locked(folder, output)
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        _unlock(lock)


def _locked(folder: Path, output: Path) -> int | None:
    """The open file whose lock says that a process works in `folder`, which is made where missing."""
    folder.mkdir(exist_ok=True)
    if sys.platform == "win32":
        return None
    while True:
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # who had it has just finished
            folder.mkdir(exist_ok=True)
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise OutputError(
                f"{output}: another run is making it; wait for that one, or choose another name"
            ) from error
        except OSError:  # a file system without locks
            return lock
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), (folder / LOCK).stat()):
                return lock
        os.close(lock)


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
