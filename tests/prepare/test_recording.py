"""What is known of a recording before it is looked at from end to end."""

from pathlib import Path

import av
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.prepare.recording import Recording
from recordings import write_recording


def with_two_tracks(path: Path, video: Path) -> Path:
    """The video's pictures with a track of 1 s and one of 2 s, which begins half a second later."""
    with av.open(str(video)) as source, av.open(str(path), "w") as container:
        pictures = container.add_stream_from_template(source.streams.video[0])
        tracks = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in range(2)]
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                container.mux(packet)
        for number, track in enumerate(tracks):
            samples = np.full((1, 16_000 * (number + 1)), 9999, np.int16)
            block = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            block.sample_rate, block.pts = 16_000, 8000 * number
            container.mux(track.encode(block))
    return path


def test_a_track_of_choice_is_the_recordings_clock(frames: list[Frame], tmp_path: Path) -> None:
    path = with_two_tracks(tmp_path / "two.mkv", write_recording(tmp_path / "mute.mp4", frames[:10], sound=None))
    first, second = (Recording.open(path, track=number) for number in (None, 2))
    assert (first.sound, first.sound_start) == pytest.approx((1, 0), abs=0.01)
    assert (second.sound, second.sound_start) == pytest.approx((2, 0.5), abs=0.01)
    with pytest.raises(OptionError, match="number 3 is none of them"):
        Recording.open(path, track=3)
    beside = Recording.open(write_recording(tmp_path / "other.mp4", frames[:10], sound=None), path, 2)
    assert (beside.sound_path, beside.track, beside.sound) == (path, 2, pytest.approx(2, abs=0.01))
