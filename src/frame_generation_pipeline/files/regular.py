"""Open files in folders to which others may write: regular files only, never links."""

import os
import stat
from pathlib import Path

from frame_generation_pipeline.errors import OutputError


def is_regular(path: Path) -> bool:
    """Whether `path` itself is a regular file: no link, folder, pipe or device. Raises OSError."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def open_regular(path: Path, flags: int) -> int:
    """Open the file `path` with `flags` of `os.open`, without following links or waiting for pipes.

    Returns the descriptor. Raises OutputError if `path` is no regular file, and OSError.
    """
    safe = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if is_regular(path) or (flags & os.O_CREAT and not os.path.lexists(path)):
        descriptor = os.open(path, flags | safe, 0o666)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    elif not os.path.lexists(path):
        raise FileNotFoundError(2, "No such file or directory", str(path))
    raise OutputError(f"{path}: is no regular file; remove it or choose another name")
