"""A face that lies on its side is named before the work starts."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import VideoError
from frame_generation_pipeline.prepare.prepare import prepare
from recordings import write_recording


@pytest.mark.parametrize(
    ("quarters", "count", "advice"),
    [(1, 5, "transpose=clock"), (2, 5, "vflip,hflip"), (2, 20, "vflip,hflip"), (3, 5, "transpose=cclock")],
)
def test_lying_and_upside_down(frames: list[Frame], tmp_path: Path, quarters: int, count: int, advice: str) -> None:
    """Of 20 frames three are looked at; in one of them the mesh is almost as sure of the face on its head."""
    turned = [np.ascontiguousarray(np.rot90(image, quarters)) for image in frames[:count]]
    seen: list[int] = []
    with pytest.raises(VideoError, match=f"turned.mp4: the face lies .*-vf {advice} OUT"):
        prepare(
            write_recording(tmp_path / "turned.mp4", turned),
            tmp_path / "out",
            progress=lambda done, *_: seen.append(done),
        )
    assert not seen
