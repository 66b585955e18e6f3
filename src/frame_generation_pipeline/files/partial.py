"""Keep unfinished work in a folder, from which a later run with the same fingerprint resumes."""

import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file, prepare_folder, writing
from frame_generation_pipeline.files.regular import open_regular

if sys.platform != "win32":
    import fcntl

FINGERPRINT, LOCK, DIGESTS = "fingerprint.json", "lock", "digests"
FORMAT = "framegen-fingerprint"  # marks the folder as one of these in its fingerprint.json
MOST_FINGERPRINT = 10**6  # bytes of a fingerprint.json
DIGEST = 32  # bytes of a SHA-256
SUFFIX = ".partial"  # added to the name of the output


class PartialFolder:
    """The complete pieces of `output`, kept in `folder`; one process works in it at a time.

    fingerprint: everything that decides the output, as JSON values; pieces of a run with another fingerprint are
    removed. Without a fingerprint, no run is resumed. A folder that is a link, or that holds files and no fingerprint
    of this program, belongs to somebody else and is not touched.

    Raises OutputError for such a folder, if another process works in it, or for errors of the system.
    """

    def __init__(self, folder: Path, output: Path, fingerprint: Mapping[str, Any] | None) -> None:
        self.folder = folder
        stated = ""  # a fingerprint that nobody has: never taken up
        if fingerprint is not None:
            content = {"format": FORMAT, "fingerprint": fingerprint}
            stated = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        with writing(output):
            self._check(output)
            self._lock = _locked(folder, output)
            try:
                if not stated or self._found() != stated:
                    self._state("")  # first, so that what is left of another run never looks like this one's
                    for path in folder.iterdir():
                        if path.name not in (LOCK, FINGERPRINT):
                            _remove(path)
                    self._state(stated)
            except BaseException:
                self.close(keep=True)
                raise

    def record(self, index: int, digest: bytes) -> None:
        """Record the SHA-256 of piece `index` before it gets its name; drops later ones. Raises OSError."""
        descriptor = open_regular(self.folder / DIGESTS, os.O_WRONLY | os.O_CREAT)
        try:
            os.ftruncate(descriptor, index * DIGEST)
            os.lseek(descriptor, index * DIGEST, os.SEEK_SET)
            os.write(descriptor, digest)
        finally:
            os.close(descriptor)

    def recorded(self) -> list[bytes]:
        """The recorded digests of the pieces, in order; pieces that differ are not of this run. Raises OSError."""
        try:
            descriptor = open_regular(self.folder / DIGESTS, os.O_RDONLY)
        except FileNotFoundError:
            return []
        with os.fdopen(descriptor, "rb") as file:
            data = file.read()
        return [data[at : at + DIGEST] for at in range(0, len(data), DIGEST)]

    def close(self, *, keep: bool) -> None:
        """Release the folder for other processes, or remove it."""
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        _unlock(self._lock)
        self._lock = None

    def _check(self, output: Path) -> None:
        """Refuse an existing folder that this program did not create."""
        if self.folder.is_symlink():
            raise OutputError(f"{output}: {self.folder} is a link; remove it or choose another name")
        if not self.folder.is_dir() or {path.name for path in self.folder.iterdir()} <= {LOCK}:
            return
        found = self._found()
        try:
            ours = found == "" or (found is not None and json.loads(found)["format"] == FORMAT)
        except (ValueError, KeyError, TypeError, RecursionError):
            ours = False
        if not ours:
            raise OutputError(
                f"{output}: {self.folder} exists and holds other files than an unfinished run's; move it away or choose"
                " another name"
            )

    def _found(self) -> str | None:
        """The fingerprint in fingerprint.json; None if it cannot be read."""
        try:
            descriptor = open_regular(self.folder / FINGERPRINT, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file, suppress(UnicodeDecodeError):
            return file.read(MOST_FINGERPRINT).decode()
        return None

    def _state(self, stated: str) -> None:
        with complete_file(self.folder / FINGERPRINT) as temporary:
            temporary.write_text(stated, "utf-8")


class PartialWriter(ABC):
    """A context manager that writes an output through a partial folder, and completes it at the end of the block.

    After an exception in the block, the folder stays if there is a fingerprint and enough pieces are complete.
    """

    _partial: PartialFolder
    _fingerprint: Mapping[str, Any] | None

    @abstractmethod
    def finish(self) -> None:
        """Complete the output and give it its name; the end of the `with` block calls it."""

    @abstractmethod
    def _end(self) -> bool:
        """Drop incomplete pieces; returns whether the rest is worth keeping for a later run."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keep = self._fingerprint is not None
        try:
            if kind is None:
                self.finish()
                keep = False
        finally:
            self._partial.close(keep=self._end() and keep)


@contextmanager
def alone(folder: Path, output: Path) -> Iterator[None]:
    """Keep other processes out of `folder`, which is created if missing, until the block ends. output: for messages.

    Raises OutputError if another process works in it, if `folder` is a link, or for errors of the system.
    """
    if folder.is_symlink():
        raise OutputError(f"{output}: {folder} is a link; remove it or choose another name")
    prepare_folder(folder)
    with writing(output):
        lock = _locked(folder, output)
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        _unlock(lock)


def _locked(folder: Path, output: Path) -> int | None:
    """Open and lock the file that shows that a process works in `folder`, which is created if missing."""
    folder.mkdir(exist_ok=True)
    if sys.platform == "win32":
        return None
    while True:
        try:
            lock = open_regular(folder / LOCK, os.O_RDWR | os.O_CREAT)
        except FileNotFoundError:  # its owner has just finished
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
