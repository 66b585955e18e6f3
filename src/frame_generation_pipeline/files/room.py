"""Check the free disk space before long work, and log how much is needed."""

import logging
import shutil
from pathlib import Path

from frame_generation_pipeline.errors import OutputError

logger = logging.getLogger(__name__)

WORTH_SAYING = 2 * 10**9  # bytes


def check_room(path: Path, needed: int, what: str) -> None:
    """Check that about `needed` bytes fit on the disk of `path`; logs a warning if they are many.

    Raises OutputError if they do not fit.
    """
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{path}: {what} take about {_shown(needed)}, {_shown(free)} are free there; free space or choose"
            " another folder"
        )
    if needed > WORTH_SAYING:
        logger.warning("%s: %s take about %s", path, what, _shown(needed))


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size > 10**8 else f"{size / 1e6:.1f} MB"
