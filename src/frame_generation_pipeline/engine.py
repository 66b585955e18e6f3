"""The one loop that every frame comes from: template frame, crop, generator, paste."""

import collections.abc
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import count

import numpy as np
import numpy.typing as npt

from .face.paste import paste
from .generator.face_states import FaceStates
from .generator.protocol import Generator
from .stages import StageTimes, in_parallel, prefetch
from .template.sequence import FrameSequence, TemplateFrame

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Frames = collections.abc.Generator[Frame, None, None]  # whoever closes it ends the threads behind it
Window = npt.NDArray[np.float32]  # (16, F)
Job = tuple[Window, tuple[int, TemplateFrame]]  # a window, and the template frame that goes with it by its index


def generate_frames(
    template: FrameSequence,
    generator: Generator,
    windows: Iterable[Window],
    *,
    start_frame: int = 0,
    first: int = 0,
    states: FaceStates | None = None,
    times: StageTimes | None = None,
) -> Frames:
    """One frame (H, W, 3) uint8 BGR for each window (16, F) of audio features.

    Template frames are visited forth and back, see `FrameSequence.index`, and decoded ahead in a thread of their own;
    the generator works on as many frames at once as it can. `first` is the number of the first frame, for those who
    come with the windows of one speech in several calls. `states` remembers faces.

    Raises OptionError for a `start_frame` that does not exist, and what decoding a template frame raises.
    """
    template.index(first, start_frame)  # raises now rather than with the first frame
    times = times or StageTimes()

    def decoded() -> Iterator[tuple[int, TemplateFrame]]:
        for i in count(first):
            index = template.index(i, start_frame)
            with times.measure("decode"):
                frame = template.read(index)
            yield index, frame

    def made(job: Job) -> Frame:
        window, (index, frame) = job
        crop = frame.box.cut(frame.image)
        with times.measure("face"):
            state = states.encode_face(index, crop) if states else generator.encode_face(crop)
        with times.measure("render"):
            patch = generator.render(state, window, crop, frame.keep)
        with times.measure("paste"):
            return paste(frame, patch)

    return _ordered(zip(times.iterate("features", iter(windows)), decoded(), strict=False), made, generator.concurrency)


def _ordered(jobs: Iterator[Job], work: Callable[[Job], Frame], workers: int) -> Frames:
    # The windows come first in the zipped jobs, so that no template frame is decoded beyond the last of them.
    with closing(prefetch(jobs)) as ready:
        if workers == 1:  # in the caller's thread: PyTorch in another one takes a fifth more memory
            yield from map(work, ready)
        else:
            with closing(in_parallel(work, ready, workers)) as frames:
                yield from frames
