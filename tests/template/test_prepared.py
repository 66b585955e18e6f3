"""What stands beside frames and landmarks."""

import json
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import MissingFileError, OptionError, TemplateError
from frame_generation_pipeline.template.prepared import find_features, recording_cuts


def test_features_are_found(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no aud_"):
        find_features(tmp_path)
    for name in ("aud_ave.npy", "aud_whisper.npy"):
        (tmp_path / name).touch()
    with pytest.raises(OptionError, match="name the one to use"):
        find_features(tmp_path)

    assert find_features(tmp_path, "whisper").name == "aud_whisper.npy"
    with pytest.raises(OptionError, match="name the one to use"):
        find_features(tmp_path, "streaming")


def test_cuts(tmp_path: Path) -> None:
    assert recording_cuts(tmp_path) == ()
    ranges = [{"first": 0, "frames": 30, "start": 0.0}, {"first": 30, "frames": 25, "start": 2.0}]
    (tmp_path / "prepare.json").write_text(json.dumps({"ranges": ranges}))
    assert recording_cuts(tmp_path) == (30,)
    (tmp_path / "prepare.json").write_text("{}")
    with pytest.raises(TemplateError, match="prepare the recording again"):
        recording_cuts(tmp_path)
