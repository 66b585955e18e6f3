"""What commands print: values from files, escaped."""

from collections.abc import Mapping
from typing import Any

import typer


def print_values(values: Mapping[str, Any]) -> None:
    """One line for each value; what files say of themselves can neither forge lines nor steer a terminal."""
    shown = {printable(str(name)): printable(str(value)) for name, value in values.items()}
    width = max(map(len, shown))
    for name, value in shown.items():
        typer.echo(f"{name:<{width}}  {value}")


def printable(text: str) -> str:
    """`text` in one line, with control characters and the like escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
