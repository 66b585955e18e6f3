"""Drawn faces that the face detector and the mesh take for real ones, so that tests need no footage."""

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame

FINER = 4  # drawn at so many times the size, for smooth edges
SKIN, SHADE, LIGHT = (150, 175, 225), (115, 140, 195), (170, 195, 240)
HAIR, WHITE, IRIS, LIPS, INSIDE = (40, 50, 60), (240, 240, 240), (60, 50, 40), (95, 95, 185), (40, 30, 60)


def draw_face(
    size: tuple[int, int] = (320, 240),
    middle: tuple[float, float] = (160, 120),
    height: float = 150,
    *,
    opening: float = 0.0,
    tilt: float = 0.0,
    image: Frame | None = None,
) -> Frame:
    """A face of `height` pixels around `middle`, (height, width, 3) uint8 BGR; drawn into a copy of `image` if given.

    opening: of the mouth, 0 closed to 0.2 wide open. tilt: clockwise, degrees.
    """
    if image is None:
        image = np.full((size[1], size[0], 3), (150, 130, 110), np.uint8)
    canvas = cv2.resize(image, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_NEAREST)
    unit = height * FINER / 2
    turn = np.array(
        [[np.cos(np.radians(tilt)), -np.sin(np.radians(tilt))], [np.sin(np.radians(tilt)), np.cos(np.radians(tilt))]]
    )

    def oval(x: float, y: float, width: float, tall: float, colour: tuple[int, int, int]) -> None:
        place = np.array(middle) * FINER + turn @ (x, y) * unit
        axes = (max(1, round(unit * width)), max(1, round(unit * tall)))
        cv2.ellipse(canvas, (round(place[0]), round(place[1])), axes, tilt, 0, 360, colour, -1, cv2.LINE_AA)

    oval(0, -0.15, 0.86, 1, HAIR)
    oval(0, 1.2, 0.38, 0.5, SHADE)  # neck
    oval(0, 0.05, 0.72, 0.95, SKIN)
    for side in (-1, 1):
        oval(side * 0.3, -0.28, 0.2, 0.07, HAIR)  # brow, of which the lid leaves the upper edge
        oval(side * 0.3, -0.23, 0.21, 0.06, SKIN)
        oval(side * 0.3, -0.15, 0.17, 0.09, SHADE)
        oval(side * 0.3, -0.12, 0.14, 0.065, WHITE)
        oval(side * 0.3, -0.12, 0.06, 0.06, IRIS)
    oval(0, 0.2, 0.13, 0.09, SHADE)  # nose
    oval(0, 0.05, 0.05, 0.2, LIGHT)
    oval(0, 0.52, 0.27, 0.09 + opening, LIPS)
    oval(0, 0.52, 0.2, 0.012 + 0.8 * opening, INSIDE)
    small = cv2.resize(canvas, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1), np.uint8)
