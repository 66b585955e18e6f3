"""Pages that people read."""

import os
from pathlib import Path

from frame_generation_pipeline.report.page import Page


def test_names_of_any_bytes_are_shown(tmp_path: Path) -> None:
    Page("Preparing " + os.fsdecode(b"may\xff.mp4"), "All is well.").write(tmp_path / "page.html")
    assert r"Preparing may\udcff.mp4" in (tmp_path / "page.html").read_text("utf-8")
