"""JSON is read as it is meant, or not at all."""

import os
from pathlib import Path

import pytest

from frame_generation_pipeline.files.json_file import MOST_VALUES, parse_json, read_json


def test_what_it_is() -> None:
    assert parse_json(b'{"a": [1, 2.5, "\\u00e4", true, null]}') == {"a": [1, 2.5, "\u00e4", True, None]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1, "a": 2}', "field twice"),
        (b'{"b": {"a": 1, "a": 1}}', "field twice"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[" * 100_000, "too deep"),
        (b"[" + b"[]," * MOST_VALUES + b"0]", f"more than {MOST_VALUES} values"),
        (b"\xff", "decode"),
        (b"1" * 5000, "digits"),
        (b"{} {}", "Extra data"),
        (b"", "Expecting value"),
    ],
)
def test_what_it_is_not(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "a.json")


def test_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ValueError, match="no file"):
            read_json(path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "nothing")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 64 * 10**6 + 1)
    with pytest.raises(ValueError, match="more than 64000000 bytes"):
        read_json(tmp_path / "large")
