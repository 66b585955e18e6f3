"""How wide the rules open the mouth, as the tracker sees it in frames, beside which people's mouths can be laid."""

from collections.abc import Iterator, Sequence

import numpy as np

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.tracking.openings import track_openings
from studio.presenter.lips import lips_alone
from studio.presenter.render import Renderer
from studio.presenter.state import State
from studio.presenter.window import Window

EVERY = 5  # frames: the others are not drawn


def measure_deviation(draw: Renderer, states: Sequence[State]) -> dict[str, float]:
    """Figures of every fifth of a speech's states; openings over the distance between the eyes' outer corners."""
    some = states[::EVERY]
    tracked = np.array(list(track_openings(_frames(draw, some))))
    lips = lips_alone(draw.skin)
    true = np.array([lips.opening(state.weights) for state in some])
    return {
        "frames": len(some),
        "deviation": float(tracked.std()),
        "mean": float(tracked.mean()),
        "of 95 % below": float(np.percentile(tracked, 95)),
        "true deviation, mm": 1000 * float(true.std()),
        "correlation of both": float(np.corrcoef(tracked, true)[0, 1]),
    }


def _frames(draw: Renderer, states: Sequence[State]) -> Iterator[Frame]:
    """Whole frames in which only the face's window is drawn anew."""
    whole, window = draw.frame(states[0]), Window.of_face(draw.size)
    for state in states:
        frame = whole.copy()
        frame[window.top : window.bottom, window.left : window.right] = draw.frame(state, window)
        yield frame
