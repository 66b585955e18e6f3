"""Draw the opening of the lips below the waveform, as an image."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 1400, 620  # pixels
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 40, 50  # around the chart
WAVE = 200  # height of the waveform
GAP = 40  # between it and the curves
INK, PALE, SHADE = (60, 60, 60), (225, 225, 225), (245, 228, 205)  # BGR
COLOURS = ((60, 60, 220), (160, 130, 40), (60, 150, 60))
CAPTION = "gap between the lips over the distance of the eyes, under the audio; shaded where the mouth rests"
FONT, SMALL = cv2.FONT_HERSHEY_SIMPLEX, 0.5


def draw_lip_chart(
    samples: npt.NDArray[np.float32],
    rests: Sequence[float],
    curves: Mapping[str, npt.NDArray[np.float64]],
    fps: float,
    *,
    mark: int | None = None,
) -> npt.NDArray[np.uint8]:
    """Draw the waveform above the curves, over one axis of seconds: (620, 1400, 3) uint8 BGR.

    samples: (L,) at 16 kHz, from the first frame on; may be empty. rests: each frame's share of rest, shown as shading.
    curves: one value for each frame, in face scales, NaN if there is none. mark: the number of a frame to mark.
    """
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    count = max(len(curve) for curve in curves.values())
    across = (WIDTH - LEFT - RIGHT) / count  # pixels a frame
    bottom = HEIGHT - BOTTOM
    for index, share in enumerate(rests):
        colour = tuple(round(255 - share * (255 - level)) for level in SHADE)
        begin, end = (LEFT + round(place * across) for place in (index, index + 1))
        image[TOP:bottom, begin:end] = colour
    _wave(image, samples, round(count * across))
    _axes(image, count, fps, across)
    known = np.concatenate([curve[np.isfinite(curve)] for curve in curves.values()])
    low, high = (min(0.0, known.min()), max(0.05, known.max())) if len(known) else (0.0, 0.05)
    top = TOP + WAVE + GAP

    def place(index: int, value: float) -> tuple[int, int]:
        return LEFT + round((index + 0.5) * across), round(bottom - (value - low) / (high - low) * (bottom - top))

    for level in np.linspace(low, high, 3):
        _, y = place(0, level)
        cv2.line(image, (LEFT, y), (WIDTH - RIGHT, y), PALE, 1)
        cv2.putText(image, f"{level:.2f}", (LEFT - 60, y + 5), FONT, SMALL, INK, 1, cv2.LINE_AA)
    if mark is not None:
        x, _ = place(mark, low)
        cv2.line(image, (x, TOP), (x, bottom), (180, 180, 180), 1)
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        for index in range(len(curve) - 1):
            if np.isfinite(curve[index : index + 2]).all():
                line = [place(index + step, float(curve[index + step])) for step in (0, 1)]
                cv2.line(image, line[0], line[1], colour, 2, cv2.LINE_AA)
        cv2.putText(image, name, (LEFT + 10 + 140 * number, top - 10), FONT, 0.6, colour, 1, cv2.LINE_AA)
    cv2.putText(image, CAPTION, (LEFT, TOP - 15), FONT, SMALL, INK, 1, cv2.LINE_AA)
    return image


def _wave(image: npt.NDArray[np.uint8], samples: npt.NDArray[np.float32], width: int) -> None:
    """Draw a line from the lowest to the highest sample for each column."""
    middle, scale = TOP + WAVE // 2, (WAVE // 2) / max(1e-3, float(np.abs(samples).max(initial=0)))
    edges = np.linspace(0, len(samples), width + 1).astype(int)
    for column, (begin, end) in enumerate(pairwise(edges)):
        if end > begin:
            low, high = (
                middle - round(float(level) * scale) for level in (samples[begin:end].min(), samples[begin:end].max())
            )
            cv2.line(image, (LEFT + column, low), (LEFT + column, high), INK, 1)


def _axes(image: npt.NDArray[np.uint8], count: int, fps: float, across: float) -> None:
    """Draw the axis of seconds, with at most 20 lines."""
    seconds = count / fps
    step = next(
        step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600) if seconds / step <= 20 or step == 3600
    )
    for tick in np.arange(0, seconds + 1e-9, step):
        x = LEFT + round(tick * fps * across)
        cv2.line(image, (x, TOP), (x, HEIGHT - BOTTOM), PALE, 1)
        cv2.putText(image, f"{tick:g} s", (x - 12, HEIGHT - BOTTOM + 22), FONT, SMALL, INK, 1, cv2.LINE_AA)
