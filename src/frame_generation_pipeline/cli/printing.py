"""Print what commands found: values from files, escaped; tables; JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table


def print_json(value: object) -> None:
    """Print the value as JSON. Raises ValueError for numbers that are not finite, which JSON does not have."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def print_table(headers: Iterable[str], rows: Iterable[Sequence[str]], last: Sequence[str] | None = None) -> None:
    """Print rows of cells below their headers; a rule sets the row `last` apart."""
    table = Table(*headers)
    for row in rows:
        table.add_row(*row)
    if last is not None:
        table.add_section()
        table.add_row(*last)
    Console().print(table)


def print_values(values: Mapping[str, Any]) -> None:
    """Print a line for each value; text from files can neither forge lines nor steer a terminal."""
    shown = {printable(str(name)): printable(str(value)) for name, value in values.items()}
    width = max(map(len, shown))
    for name, value in shown.items():
        typer.echo(f"{name:<{width}}  {value}")


def printable(text: str) -> str:
    """`text` in one line, with control characters and the like escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
