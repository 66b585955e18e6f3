"""What every output shares: a folder that can be written to, and temporary names beside the final one."""

import secrets
import tempfile
from pathlib import Path

from frame_generation_pipeline.errors import OutputError


def prepare_folder(folder: Path) -> None:
    """Create `folder` with its parents where missing and prove that a file can be written in it.

    Raises `OutputError` where it cannot be created, is a file or is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Access bits say too little (root, read-only mounts, network shares), so a file is really made.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{folder}: expected a folder to write in ({reason}); choose another folder") from error


def temporary_beside(path: Path) -> Path:
    """Return an unused hidden name in the folder of `path`, with its suffix: `.{stem}.{random}{suffix}`.

    Being in the same folder, it can be renamed to `path` in one step.
    """
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
