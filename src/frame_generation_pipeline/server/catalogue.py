"""The avatars that the server knows: their packages are checked at the start, their programs loaded when needed."""

import threading
from dataclasses import replace
from pathlib import Path

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import MissingFileError, OptionError
from frame_generation_pipeline.generator.face_states import SHARE_OF_FREE, available_memory
from frame_generation_pipeline.package.load import Package, open_package
from frame_generation_pipeline.package.manifest import MANIFEST, PREVIEW
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.weights import PRESENTER

PRESENTER_ID = "presenter"
SUFFIX = ".avatar"
MOST_FACES = 1280 * 2**20  # bytes of faces of all avatars, where settings say nothing; the presenter's are 615 MiB


class Catalogue:
    """Avatars by their ids; all paint with one engine. Any thread may ask."""

    def __init__(self, settings: ServerSettings, engine: Engine) -> None:
        """The folders in the settings hold `.avatar` files and folders of packages; ids are names without suffix.

        Raises MissingFileError, PackageError for a package that is damaged, OptionError for two of one id and for one
        file that is to keep the faces of several.
        """
        self._engine, self._settings = engine, settings
        self._packages = {PRESENTER_ID: open_package(PRESENTER)}
        self._add(settings.avatars)
        own = set(self._packages)
        self._add(settings.foreign_avatars)
        self.foreign = frozenset(self._packages) - own  # ids of what others made
        if settings.runtime.cache_file is not None and len(self._packages) > 1:
            raise OptionError(
                f"{settings.runtime.cache_file}: the file keeps the faces of one avatar, and here are"
                f" {len(self._packages)}; leave --cache-file out, faces are kept in memory then"
            )
        self._avatars: dict[str, Avatar] = {}
        self._loading = threading.Lock()
        self._left_for_faces = MOST_FACES  # bytes

    def _add(self, folder: Path | None) -> None:
        for path in [] if folder is None else _packages(folder):
            name = path.name.removesuffix(SUFFIX)
            if name in self._packages:
                raise OptionError(f"{path}: there is another avatar {name!r}; rename the file")
            self._packages[name] = open_package(path)

    def ids(self) -> list[str]:
        """The ids of all avatars, the presenter first."""
        return list(self._packages)

    def package(self, avatar_id: str) -> Package:
        """The avatar's package with its manifest. Raises Problem 404."""
        try:
            return self._packages[avatar_id]
        except KeyError:
            raise Problem(404, "no_such_avatar", f"there is no avatar {avatar_id[:100]!r}; see /v1/avatars") from None

    def preview(self, avatar_id: str) -> bytes:
        """A JPEG image. Raises Problem 404, PackageError."""
        return self.package(avatar_id).read(PREVIEW)

    def load(self, avatar_id: str) -> Avatar:
        """The avatar, whose programs are loaded the first time, which takes a second. Raises Problem 404."""
        package = self.package(avatar_id)
        with self._loading:
            if avatar_id not in self._avatars:
                runtime = self._settings.runtime
                if avatar_id in self.foreign:
                    runtime = replace(runtime, bounds=self._settings.bounds)
                if runtime.cache_size is None and runtime.cache_file is None:
                    runtime = replace(
                        runtime, cache_size=min(self._left_for_faces, available_memory() // SHARE_OF_FREE)
                    )
                avatar = Avatar.load(package.path, runtime=runtime, engine=self._engine)
                if avatar.states is not None:
                    self._left_for_faces = max(0, self._left_for_faces - avatar.states.most_bytes)
                self._avatars[avatar_id] = avatar
            return self._avatars[avatar_id]

    @property
    def loaded(self) -> bool:
        """Whether the presenter is loaded."""
        return PRESENTER_ID in self._avatars


def _packages(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: no such folder; expected one with .avatar files")
    found = [path for path in sorted(folder.iterdir()) if path.suffix == SUFFIX or (path / MANIFEST).is_file()]
    if not found:
        raise MissingFileError(f"{folder}: holds no avatars; expected .avatar files or folders with {MANIFEST}")
    return found
