"""The order in which a template's frames are shown, so that its turning points or repetition are not visible."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from frame_generation_pipeline.errors import OptionError, check_choice
from frame_generation_pipeline.template.crop_box import CropBox

PINGPONG, CROSSFADE = "pingpong", "crossfade"
LOOPS = (PINGPONG, CROSSFADE)
FADE = 12  # frames over which the end of the recording dissolves into its beginning; half a second
ENDS, MOST_END = 0.2, 500  # share of the recording, and number of frames, that may be left out at each end


@dataclass(frozen=True)
class ShownFrame:
    """The index of the frame that is shown, and of the frame into which it dissolves, if any."""

    index: int
    into: int = 0
    share: float = 0.0  # the share of `into`; 0 without one

    @property
    def indices(self) -> tuple[int, ...]:
        """The one or two frames."""
        return (self.index, self.into) if self.share else (self.index,)


def frame_range(text: str) -> range:
    """Read a range of frames: `100:400` means frames 100 to 399. Raises OptionError for any other text."""
    first, _, stop = text.partition(":")
    if not (first.isdecimal() and stop.isdecimal()):
        raise OptionError(f"{text!r} are no frames; expected the first and the one after the last, as in 100:400")
    return range(int(first), int(stop))


@dataclass(frozen=True)
class Loop:
    """Forth and back as in the original, or repeated with a dissolve; over all frames or a range.

    stop: the frame after the last one; None: the end of the recording.
    """

    kind: str = PINGPONG
    first: int = 0
    stop: int | None = None

    def __post_init__(self) -> None:
        check_choice("loop", self.kind, LOOPS)

    @classmethod
    def of(cls, kind: str, frames: str | None) -> "Loop":
        """The loop `kind` over `frames`, such as `100:400` (see `frame_range`); None: all frames."""
        if frames is None:
            return cls(kind)
        shown = frame_range(frames)
        return cls(kind, shown.start, shown.stop)

    def frames(self, count: int) -> range:
        """The range of shown frames, of `count`. Raises OptionError if there are no such frames."""
        stop = count if self.stop is None else self.stop
        if not 0 <= self.first < stop <= count:
            raise OptionError(f"frames {self.first}:{stop} do not exist; the recording has frames 0:{count}")
        return range(self.first, stop)

    def matched(self, boxes: Sequence[CropBox]) -> "Loop":
        """For a dissolve over the whole recording, the loop over the part whose ends are most alike; else this loop.

        Of all parts that leave out at most a fifth at each end, it chooses the one whose crop boxes differ least
        between the frames that dissolve into each other; of equal ones the longest. boxes: one for each frame.
        """
        count = len(boxes)
        end = min(int(ENDS * count), MOST_END)
        fade = min(FADE, (count - 2 * end) // 3)
        if self.kind != CROSSFADE or (self.first, self.stop) != (0, None) or fade < 1:
            return self
        places = np.array([(box.x, box.y, box.size) for box in boxes], np.float64)
        starts, stops = np.arange(end + 1), np.arange(count - end, count + 1)
        apart = np.zeros((len(starts), len(stops)))
        for step in range(fade):
            before, after = places[stops - fade + step], places[starts + step]
            apart += np.abs(before[np.newaxis] - after[:, np.newaxis]).sum(axis=2)
        shorter = starts[:, np.newaxis] - stops[np.newaxis] + count
        first, last = np.unravel_index(np.lexsort((shorter.ravel(), apart.ravel()))[0], apart.shape)
        return replace(self, first=int(starts[first]), stop=int(stops[last]))

    def shown(self, i: int, count: int) -> ShownFrame:
        """The frame shown at position `i` >= 0 of the order over `count` frames.

        Forth and back is 0, 1, ..., n-1, n-2, ..., 0, 1, ... In a loop the last 12 frames, or a third of fewer than 36,
        dissolve into the first ones.
        """
        frames = self.frames(count)
        if len(frames) == 1:
            return ShownFrame(frames[0])
        if self.kind == PINGPONG:
            turn = len(frames) - 1
            return ShownFrame(frames[turn - abs(turn - i % (2 * turn))])
        fade = min(FADE, len(frames) // 3)
        period = len(frames) - fade
        turns, step = divmod(i, period)
        if not turns or step >= fade:
            return ShownFrame(frames[step])
        return ShownFrame(frames[period + step], frames[step], (step + 1) / (fade + 1))


FORTH_AND_BACK = Loop()
