from pathlib import Path
from typing import Any

import pytest

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.making.label import Label


def test_the_output_gives_a_name_where_there_is_none() -> None:
    assert Label(licence="CC0").of(Path("people/may.avatar")) == Label("may", "CC0")
    assert Label("May").of(Path("people/a.avatar")) == Label("May")
    with pytest.raises(OptionError, match="control characters"):
        Label().of(Path("people/a\n.avatar"))


@pytest.mark.parametrize(
    "texts",
    [
        {"name": "a\nb"},
        {"name": "\x1b[31m"},
        {"licence": "\x1b[2J"},
        {"credits": ("a\nb",)},
        {"credits": ("a",) * 1001},
    ],
)
def test_what_is_no_plain_text_is_refused(texts: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="control characters"):
        Label(**texts)
