"""Check and write outputs: a folder that can be written to, and a final name for complete files only."""

import contextlib
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from frame_generation_pipeline.errors import FrameGenerationError, OutputError


def prepare_folder(folder: Path) -> None:
    """Create `folder` and its parents if missing, and prove that a file can be written in it.

    Raises OutputError if it cannot be created, is a file or is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Access bits are not enough (root, read-only mounts, network shares), so a file is really written.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{folder}: expected a folder to write in ({reason}); choose another folder") from error


def keep_inputs(output: Path, *inputs: str | Path | None) -> None:
    """Refuse to write `output` over an input or over a file in an input folder, as ffmpeg does.

    Raises OutputError.
    """
    for given in inputs:
        if given is None or not (path := Path(given)).exists():
            continue
        inside = path.is_dir() and output.resolve().is_relative_to(path.resolve())
        if output.exists() and (inside or output.samefile(path)):
            raise OutputError(f"{output}: is an input, which would be replaced; choose another output")


def keep_special(path: Path) -> None:
    """Refuse an output that is a pipe, a device or a socket: a file would take its place. Raises OutputError."""
    mode = stat.S_IFREG
    with contextlib.suppress(OSError):
        mode = path.lstat().st_mode
    if stat.S_IFMT(mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise OutputError(f"{path}: is a pipe or a device, which would be replaced; choose another name")


def temporary_beside(path: Path) -> Path:
    """An unused hidden name in the folder of `path`, with its suffix: `.{stem}.{random}{suffix}`.

    Being in the same folder, it can be renamed to `path` in one step.
    """
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of the system while `path` is written (rights, a full disk) into OutputError."""
    try:
        yield
    except FrameGenerationError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free space or choose another"
        ) from error


@contextlib.contextmanager
def complete_file(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; the file becomes `path` when the block ends without an exception.

    Otherwise it is removed. Raises OutputError for errors of the system: rights, a folder of that name, a full disk.
    """
    keep_special(path)
    prepare_folder(path.parent)
    temporary = temporary_beside(path)
    try:
        with writing(path):
            yield temporary
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
