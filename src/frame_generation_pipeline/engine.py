"""The one loop that every frame comes from: template frame, crop, generator, paste."""

from collections.abc import Iterable, Iterator
from contextlib import closing

import numpy as np
import numpy.typing as npt

from .face.paste import paste
from .generator.protocol import Generator
from .stages import StageTimes, prefetch
from .template.sequence import FrameSequence, TemplateFrame


def generate_frames(
    template: FrameSequence,
    generator: Generator,
    windows: Iterable[npt.NDArray[np.float32]],
    *,
    start_frame: int = 0,
    times: StageTimes | None = None,
) -> Iterator[npt.NDArray[np.uint8]]:
    """One frame (H, W, 3) uint8 BGR for each window (16, F) of audio features, as soon as it is there.

    Template frames are visited forth and back, see `FrameSequence.index`, and decoded ahead in a thread of their own.

    Raises OptionError for a `start_frame` that does not exist, and what decoding a template frame raises.
    """
    template.index(0, start_frame)  # raises now rather than with the first frame
    return _frames(template, generator, windows, start_frame, times or StageTimes())


def _frames(
    template: FrameSequence,
    generator: Generator,
    windows: Iterable[npt.NDArray[np.float32]],
    start_frame: int,
    times: StageTimes,
) -> Iterator[npt.NDArray[np.uint8]]:
    # Windows come first in `zip`, so that no template frame is decoded beyond the last of them.
    pairs = zip(times.iterate("features", iter(windows)), _template_frames(template, start_frame, times), strict=False)
    with closing(prefetch(pairs)) as ready:
        for window, frame in ready:
            crop = frame.box.cut(frame.image)
            with times.measure("face"):
                state = generator.encode_face(crop)
            with times.measure("render"):
                patch = generator.render(state, window, crop, frame.keep)
            with times.measure("paste"):
                picture = paste(frame, patch)
            yield picture


def _template_frames(template: FrameSequence, start_frame: int, times: StageTimes) -> Iterator[TemplateFrame]:
    i = 0
    while True:
        with times.measure("decode"):
            frame = template.read(template.index(i, start_frame))
        yield frame
        i += 1
