"""What a package says to people about an avatar."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.package.manifest import MOST_CREDITS, is_text


@dataclass(frozen=True)
class Label:
    """The name, licence and credits of an avatar. Raises OptionError for text with control characters."""

    name: str | None = None  # None: the name of the package's file without its suffix
    licence: str = ""  # such as CC-BY-4.0; may have several lines, unlike the others
    credits: tuple[str, ...] = ()  # whom to thank

    def __post_init__(self) -> None:
        texts = (self.name or "", *self.credits)
        if len(self.credits) > MOST_CREDITS or not all(map(is_text, texts)) or not is_text(self.licence, lines=True):
            raise OptionError("name, licence or credits are too long or have control characters; give plain text")

    def of(self, output: Path) -> Self:
        """The label with the name of the package `output`, if it has no name yet."""
        return replace(self, name=output.stem) if self.name is None else self
