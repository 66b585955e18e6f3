"""A file that is not what it seems, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Content = bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A file `name` of some content, and what reads it."""

    name: str
    content: Content
    read: Callable[[Path], object]

    def write(self, folder: Path) -> Path:
        """Write the file."""
        path = folder / self.name
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path


CASES: dict[str, Case] = {}


def add(kind: str, what: str, name: str, content: Content, *reads: Callable[[Path], object]) -> None:
    for index, read in enumerate(reads):
        key = f"{kind}: {what}" + (f", read {index + 1}" if index else "")
        assert key not in CASES
        CASES[key] = Case(name, content, read)
