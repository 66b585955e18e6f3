"""A face that lies on its side is named before the work starts."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import VideoError
from frame_generation_pipeline.prepare.prepare import prepare
from recordings import write_recording


@pytest.mark.parametrize(("quarters", "advice"), [(1, "transpose=clock"), (2, "vflip,hflip"), (3, "transpose=cclock")])
def test_lying_and_upside_down(frames: list[Frame], tmp_path: Path, quarters: int, advice: str) -> None:
    turned = [np.ascontiguousarray(np.rot90(image, quarters)) for image in frames[:5]]
    seen: list[int] = []
    with pytest.raises(VideoError, match=f"turned.mp4: the face lies .*-vf {advice} OUT"):
        prepare(
            write_recording(tmp_path / "turned.mp4", turned),
            tmp_path / "out",
            progress=lambda done, *_: seen.append(done),
        )
    assert not seen
