"""How an avatar's lips follow the audio of videos of people, beside the people's own lips: for docs/presenter.md.

python -m benchmarks.mouth clip.mp4 ... [--avatar may.avatar] [--seconds 60]

Both are tracked in frames at the avatar's rate. An opening is the gap between the lips over the distance between the
eyes' outer corners. The lag is where the correlation of both without what is slower than a second, such as laughter, is
highest; positive where the avatar's lips come late.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.tracking.lag import correlations, measure_lag, without_slow_part
from frame_generation_pipeline.tracking.openings import track_openings
from frame_generation_pipeline.weights import PRESENTER

HEADERS = (
    *("clip", "seconds", "deviation of the opening, the avatar's", "the speaker's own", "correlation"),
    *("lag", "95 % interval", "correlation there of what is faster than a second", "confidence"),
)


def own_openings(clip: Path, fps: int, count: int) -> npt.NDArray[np.float64]:
    """(count,) openings of the lips in the clip's frames at `fps` of its audio's clock, NaN where none are seen."""
    numbers: list[int] = []

    def images() -> Iterator[Frame]:
        for number, image in Recording.open(clip).frames(fps):
            if number >= count:
                return
            numbers.append(number)
            yield image

    tracked = list(track_openings(images()))
    openings = np.full(count, np.nan)
    openings[numbers] = tracked
    return openings


def row(avatar: Avatar, clip: Path, seconds: float) -> tuple[str, ...]:
    """The table's row of one clip."""
    fps = avatar.generator.spec.audio.fps
    spoken = np.array(list(track_openings(islice(avatar.frames(clip), round(seconds * fps)))))
    own = own_openings(clip, fps, len(spoken))
    both = np.isfinite(spoken) & np.isfinite(own)
    figures = (f"{both.sum() / fps:.1f}", f"{spoken[both].std():.3f}", f"{own[both].std():.3f}")
    plain = f"{correlations(spoken, own, [0])[0]:.2f}"
    lag = measure_lag(without_slow_part(spoken, fps), without_slow_part(own, fps), fps)
    if lag is None:
        return clip.name, *figures, plain, *("-",) * 4
    interval = f"{lag.low:.0f} to {lag.high:.0f} ms"
    return (
        *(clip.name, *figures, plain),
        *(f"{lag.milliseconds:.0f} ms", interval, f"{lag.correlation:.2f}", f"{lag.confidence:.1f}"),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", help="videos of one person who talks")
    parser.add_argument("--avatar", type=Path, default=PRESENTER)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each clip, from its beginning")
    arguments = parser.parse_args()
    avatar = Avatar.load(arguments.avatar)
    print_header(*HEADERS)
    for clip in arguments.clips:
        print_row(*row(avatar, clip, arguments.seconds))


if __name__ == "__main__":
    main()
