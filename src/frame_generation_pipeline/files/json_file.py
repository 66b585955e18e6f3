"""Read JSON files that may come from anywhere."""

import json
from pathlib import Path
from typing import Any

MOST_BYTES = 64 * 10**6


def read_json(path: Path) -> Any:
    """What a UTF-8 JSON file of at most 64 MB holds.

    Raises ValueError for everything that is no JSON, too deep or too large, and OSError.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES} bytes")
    try:
        return json.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
