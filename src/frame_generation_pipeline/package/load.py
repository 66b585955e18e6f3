"""Open a package: read its manifest, and check each file against it before its bytes are used."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from frame_generation_pipeline.errors import MissingFileError
from frame_generation_pipeline.package.manifest import MANIFEST, Manifest
from frame_generation_pipeline.package.manifest_reader import MOST_MANIFEST, read_manifest
from frame_generation_pipeline.package.refusal import Refusal, refusing, shown
from frame_generation_pipeline.package.storage import FileRange, find_files


@dataclass(frozen=True)
class Package:
    """A package whose manifest is valid and whose files are those listed, each of the size stated there."""

    path: Path
    manifest: Manifest
    fingerprint: str  # SHA-256 of avatar.json, which has the digests of all other files
    files: Mapping[str, FileRange]  # all but avatar.json

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`, checked against the size and SHA-256 that the manifest states.

        Any number of threads may read. Raises PackageError.
        """
        expected = self.manifest.files[name]
        with refusing(self.path):
            data = self.files[name].read()
            if hashlib.sha256(data).hexdigest() != expected.sha256:
                raise Refusal(f"{name} is not the file that {MANIFEST} lists, its bytes differ")
        return data


def open_package(path: str | Path) -> Package:
    """Open the folder or archive `path`. Names and sizes of its files are checked now, their bytes when they are read.

    Raises MissingFileError, and PackageError for what docs/avatar.md does not allow.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"{path}: no such avatar; give an .avatar file or the folder of one")
    with refusing(path):
        files = find_files(path)
        if MANIFEST not in files:
            raise Refusal(f"has no {MANIFEST}")
        file = files.pop(MANIFEST)
        if file.size > MOST_MANIFEST:
            raise Refusal(f"{MANIFEST} has {file.size} bytes; expected at most {MOST_MANIFEST}")
        data = file.read()
        manifest = read_manifest(data)
        for name in sorted(set(files) ^ set(manifest.files)):
            raise Refusal(f"holds {shown(name)}, which is not listed" if name in files else f"lacks {shown(name)}")
        for name, expected in manifest.files.items():
            if files[name].size != expected.size:
                raise Refusal(f"{name} has {files[name].size} bytes; expected {expected.size}")
    return Package(path, manifest, hashlib.sha256(data).hexdigest(), files)
