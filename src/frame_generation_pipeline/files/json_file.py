"""Read JSON that may come from anywhere."""

import json
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 64 * 10**6
MOST_VALUES = 1_200_000  # the largest manifest of a package has a million


def read_json(path: Path) -> Any:
    """Read a UTF-8 JSON file of at most MOST_BYTES. Raises OSError, and ValueError as `parse_json` does."""
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        raise ValueError("is no file")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES} bytes")
    return parse_json(path.read_bytes())


def parse_json(data: bytes) -> Any:
    """Parse UTF-8 JSON.

    Raises ValueError for data that is not JSON (such as NaN), for repeated fields, for values that are nested too
    deep, and for more than MOST_VALUES values.
    """
    # Each value takes a hundred times the memory of its two bytes. Counting also those inside strings does no harm.
    if sum(map(data.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise ValueError(f"has more than {MOST_VALUES} values")
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("is nested too deep") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("an object has a field twice")
    return content


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
