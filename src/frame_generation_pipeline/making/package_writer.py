"""Write the files of a package into a folder, and the folder into an archive."""

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file, prepare_folder, temporary_beside, writing
from frame_generation_pipeline.package.manifest import FileEntry

SUFFIX = ".avatar"  # suffix of a package that is one file

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date that an archive can state
_MODE = 0o100644 << 16  # a regular file that everybody may read, as archives state it
_UNIX = 3  # the system that defines this mode


class PackageWriter:
    """Writes files into a folder and collects their entries for `avatar.json`."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, FileEntry] = {}
        self._folder = folder

    def write(self, name: str, data: bytes) -> None:
        """Write the file `name`, with `/` between a folder and a file."""
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.files[name] = FileEntry(len(data), hashlib.sha256(data).hexdigest())


@contextmanager
def complete_package(output: Path) -> Iterator[Path]:
    """Give a folder to fill, which becomes `output`, an archive or a folder, when the block ends without an exception.

    Raises OutputError for errors of the system, and if `output` is an existing folder; a file is replaced.
    """
    if output.is_dir() or (output.suffix != SUFFIX and output.exists()):
        raise OutputError(f"{output}: exists; remove it, or choose another name")
    prepare_folder(output.parent)
    folder = temporary_beside(output)
    try:
        with writing(output):
            folder.mkdir()
            yield folder
            if output.suffix == SUFFIX:
                with complete_file(output) as archive:
                    _write_archive(folder, archive)
            else:
                folder.rename(output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_archive(folder: Path, archive: Path) -> None:
    """Store the folder's files as they are, sorted by name; the same files give the same bytes."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr, entry.file_size = _UNIX, _MODE, path.stat().st_size
            with path.open("rb") as source, target.open(entry, "w") as stored:
                shutil.copyfileobj(source, stored)
