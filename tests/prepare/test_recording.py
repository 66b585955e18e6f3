"""What is known of a recording before it is looked at from end to end."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.prepare.recording import Recording
from recordings import with_tracks, write_recording


def test_a_track_of_choice_is_the_recordings_clock(frames: list[Frame], tmp_path: Path) -> None:
    mute = write_recording(tmp_path / "mute.mp4", frames[:10], sound=None)
    tracks = [(0.0, np.full(16_000, 0.3, np.float32)), (0.5, np.full(32_000, 0.3, np.float32))]
    path = with_tracks(tmp_path / "two.mkv", mute, *tracks)
    first, second = (Recording.open(path, track=number) for number in (None, 2))
    assert (first.sound, first.sound_start) == pytest.approx((1, 0), abs=0.01)
    assert (second.sound, second.sound_start) == pytest.approx((2, 0.5), abs=0.01)
    with pytest.raises(OptionError, match="number 3 is none of them"):
        Recording.open(path, track=3)
    beside = Recording.open(write_recording(tmp_path / "other.mp4", frames[:10], sound=None), path, 2)
    assert (beside.sound_path, beside.track, beside.sound) == (path, 2, pytest.approx(2, abs=0.01))
