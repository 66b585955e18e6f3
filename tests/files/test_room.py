"""Room on disk is checked before the work that fills it."""

import logging
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.room import check_room

Usage = namedtuple("Usage", "total used free")


def test_too_little_is_refused_and_much_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Path] = []

    def usage(folder: Path) -> Usage:
        asked.append(folder)
        return Usage(0, 0, 5 * 10**9)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    path = tmp_path / "not" / "yet"
    with caplog.at_level(logging.WARNING):
        check_room(path, 10**9, "few things")
        assert not caplog.text
        check_room(path, 4 * 10**9, "many things")
    assert f"{path}: many things take about 4.0 GB" in caplog.text
    with pytest.raises(OutputError, match=r"yet: all things take about 6\.1 GB, 5\.0 GB are free there; free space"):
        check_room(path, 6_100_000_000, "all things")
    assert asked == [tmp_path] * 3
