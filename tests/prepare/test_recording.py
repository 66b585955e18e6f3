"""What is known of a recording before it is looked at from end to end."""

import logging
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.prepare.recording import Recording
from recordings import with_tracks, write_recording


def test_a_track_of_choice_is_the_recordings_clock(frames: list[Frame], tmp_path: Path) -> None:
    mute = write_recording(tmp_path / "mute.mp4", frames[:10], seconds=None)
    tracks = [(0.0, np.full(16_000, 0.3, np.float32)), (0.5, np.full(32_000, 0.3, np.float32))]
    path = with_tracks(tmp_path / "two.mkv", mute, *tracks)
    first, second = (Recording.open(path, track=number) for number in (None, 2))
    assert (first.seconds, first.audio_start) == pytest.approx((1, 0), abs=0.01)
    assert (second.seconds, second.audio_start) == pytest.approx((2, 0.5), abs=0.01)
    with pytest.raises(OptionError, match="number 3 is none of them"):
        Recording.open(path, track=3)
    beside = Recording.open(write_recording(tmp_path / "other.mp4", frames[:10], seconds=None), path, 2)
    assert (beside.audio_path, beside.track) == (path, 2)
    assert beside.seconds == pytest.approx(2, abs=0.01)


def test_images_of_another_size_are_brought_to_the_first(
    frames: list[Frame], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small: list[Frame] = [np.asarray(cv2.resize(image, (180, 180)), np.uint8) for image in frames[5:10]]
    parts = [frames[:5], small, [frames[10][90:270]] * 5]
    path = tmp_path / "changing.h264"
    path.write_bytes(
        b"".join(write_recording(tmp_path / "part.h264", part, seconds=None).read_bytes() for part in parts)
    )
    with caplog.at_level(logging.WARNING):
        shown = [image for _, image in Recording.open(path).frames(25)]
    assert [image.shape for image in shown] == [(360, 360, 3)] * 15
    assert caplog.text.count("its images change their size, from 360x360 to 180x180; all are brought") == 1
    assert np.abs(shown[7].astype(int) - frames[7]).mean() < 4
    assert shown[12][:80].max() < 20  # of another shape
    assert np.abs(shown[12][90:270].astype(int) - frames[10][90:270]).mean() < 4


@pytest.mark.parametrize("broken", [0, 20])
def test_what_a_broken_packet_leaves_stays_in_step(frames: list[Frame], tmp_path: Path, broken: int) -> None:
    path = write_recording(tmp_path / "damaged.mp4", frames[:50], key_frames=12)
    decoded = np.concatenate(list(Recording.open(path).audio()))
    with av.open(str(path)) as container:
        places = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[places[broken] : places[broken] + 4] = bytes.fromhex("7fffffff")
    path.write_bytes(data)
    recording = Recording.open(path)
    np.testing.assert_array_equal(np.concatenate(list(recording.audio())), decoded)
    shown = dict(recording.frames(25))
    assert sorted(shown) == list(range(0 if broken else 12, 50))
    lost = range(broken - 3, 24) if broken else range(12)  # frames that refer to the packet come before it too
    for number in set(shown) - set(lost):
        assert np.abs(shown[number].astype(int) - frames[number]).mean() < 4
