"""The one loop that every frame comes from: template frame, crop, generator, paste."""

import collections.abc
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import count
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.face.steady import Painted, Steadier
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.speaking.stages import StageTimes, in_parallel, prefetch
from frame_generation_pipeline.spec import REFERENCE
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop, Place
from frame_generation_pipeline.template.sequence import FrameSequence, TemplateFrame

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Frames = collections.abc.Generator[Frame, None, None]  # whoever closes it ends the threads behind it
Window = npt.NDArray[np.float32]  # (16, F)
Job = tuple[Window, tuple[Place, list[TemplateFrame]]]  # a window, and the one or two template frames that go with it
Made = TypeVar("Made")


def generate_frames(
    template: FrameSequence,
    generator: Generator,
    windows: Iterable[Window],
    *,
    start_frame: int = 0,
    first: int = 0,
    loop: Loop = FORTH_AND_BACK,
    blend: str = REFERENCE,
    steadier: Steadier | None = None,
    ends: bool = True,
    states: FaceStates | None = None,
    times: StageTimes | None = None,
) -> Frames:
    """One frame (H, W, 3) uint8 BGR for each window (16, F) of audio features.

    Template frames are visited as `loop` has it, see `FrameSequence.place`, and decoded ahead in a thread of their own;
    the generator works on as many frames at once as it can. `first` is the number of the first frame, for those who
    come with the windows of one speech in several calls. `blend` is of `spec.BLENDS`. `states` remembers faces.
    `steadier` makes the mouth steadier; it keeps the last frame back until the next call, unless the speech `ends`.

    Raises OptionError for a `start_frame` that does not exist, and what decoding a template frame raises.
    """
    template.place(first, start_frame, loop)  # raises now rather than with the first frame
    times = times or StageTimes()

    def decoded() -> Iterator[tuple[Place, list[TemplateFrame]]]:
        for i in count(first):
            place = template.place(i, start_frame, loop)
            with times.measure("decode"):
                frames = [template.read(index) for index in place.indices]
            yield place, frames

    def painted(job: Job) -> Painted:
        window, (place, frames) = job
        made = [paint(window, *pair) for pair in zip(place.indices, frames, strict=True)]
        return made[0] if len(made) == 1 else made[0].dissolving(made[1], place.share)

    def paint(window: Window, index: int, frame: TemplateFrame) -> Painted:
        crop = frame.box.cut(frame.image)
        with times.measure("face"):
            state = states.encode_face(index, crop) if states else generator.encode_face(crop)
        with times.measure("render"):
            return Painted(frame, generator.render(state, window, crop, frame.keep, blend))

    def finished(made: Painted) -> Frame:
        with times.measure("paste"):
            image = paste(made.frame, made.patch)
            if made.into is None:
                return image
            other = paste(made.into.frame, made.into.patch)
            return np.asarray(cv2.addWeighted(image, 1 - made.share, other, made.share, 0), np.uint8)

    jobs = zip(times.iterate("features", iter(windows)), decoded(), strict=False)
    if steadier is None:
        return _ordered(jobs, lambda job: finished(painted(job)), generator.concurrency)
    return _steadied(_ordered(jobs, painted, generator.concurrency), steadier, finished, times, ends)


def _ordered(
    jobs: Iterator[Job], work: Callable[[Job], Made], workers: int
) -> collections.abc.Generator[Made, None, None]:
    # The windows come first in the zipped jobs, so that no template frame is decoded beyond the last of them.
    with closing(prefetch(jobs)) as ready:
        if workers == 1:  # in the caller's thread: PyTorch in another one takes a fifth more memory
            yield from map(work, ready)
        else:
            with closing(in_parallel(work, ready, workers)) as frames:
                yield from frames


def _steadied(
    made: collections.abc.Generator[Painted, None, None],
    steadier: Steadier,
    finished: Callable[[Painted], Frame],
    times: StageTimes,
    ends: bool,
) -> Frames:
    with closing(made):
        for painted in made:
            with times.measure("steady"):
                ready = list(steadier.push(painted))
            yield from map(finished, ready)
    if ends:
        yield from map(finished, steadier.flush())
