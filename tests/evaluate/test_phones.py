import json
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import FeatureError, MissingFileError
from frame_generation_pipeline.evaluate.phones import Phone, read_phones


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "phones.json"
    path.write_text(json.dumps([["sil", 0, 0.2], ["p", 0.2, 0.3]]))
    assert read_phones(path) == (Phone("sil", 0, 0.2), Phone("p", 0.2, 0.3))


@pytest.mark.parametrize(
    "content",
    ["", "{}x", "7", "[7]", '[["p", 1]]', '[["p", 2, 1]]', '[["p", "a", "b"]]', "[[1, 1, 2]]", '[["p", NaN, 1]]'],
)
def test_no_phones(tmp_path: Path, content: str) -> None:
    path = tmp_path / "phones.json"
    path.write_text(content)
    with pytest.raises(FeatureError, match=r"phones\.json: no list of \[phone, start, end\]"):
        read_phones(path)


def test_disorder_and_absence(tmp_path: Path) -> None:
    path = tmp_path / "phones.json"
    path.write_text(json.dumps([["p", 1, 2], ["b", 0, 1]]))
    with pytest.raises(FeatureError, match="order of time"):
        read_phones(path)
    with pytest.raises(MissingFileError, match="no such file of phones"):
        read_phones(tmp_path / "none.json")
