"""An avatar from its package: everything that speaks, without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .audio.encoder import OnnxAudioProgram
from .generator.program_backend import ProgramGenerator
from .package.load import open_package
from .package.manifest import Manifest
from .package.programs import load_programs
from .package.template import PackagedTemplate


@dataclass(frozen=True)
class Avatar:
    """A person's recording, the generator that paints the face, and what turns sound into the features it wants."""

    template: PackagedTemplate
    generator: ProgramGenerator
    encoder: OnnxAudioProgram | None  # None where the package leaves the features to its user
    manifest: Manifest

    @classmethod
    def load(cls, path: str | Path, *, providers: Sequence[str] | None = None, threads: int | None = None) -> Self:
        """The avatar in the folder or `.avatar` file `path`. providers, threads: see `open_session`.

        Raises MissingFileError, PackageError when it is no package that this version reads or is damaged, OptionError
        for a provider that is not available.
        """
        package = open_package(path)
        generator, encoder = load_programs(package, providers=providers, threads=threads)
        return cls(PackagedTemplate(package), generator, encoder, package.manifest)
