"""The lamps of bake and frames."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lamp:
    """A soft box.

    Attributes:
        place: m from the middle of the image, towards which it shines.
        size: m, width and height.
        watts: power.
        colour: linear, of its light.
    """

    place: tuple[float, float, float]
    size: tuple[float, float]
    watts: float
    colour: tuple[float, float, float]


LAMPS = (  # key from the upper left of the image, wide fill, two rims from behind, a little light from the desk
    Lamp((-0.70, -0.95, 0.80), (0.75, 0.75), 24.0, (1.0, 0.95, 0.89)),
    Lamp((1.1, -0.9, 0.15), (1.2, 1.4), 5.5, (0.90, 0.95, 1.0)),
    Lamp((0.75, 0.75, 0.50), (0.5, 0.9), 13.0, (1.0, 0.97, 0.94)),
    Lamp((-0.8, 0.8, 0.35), (0.4, 0.9), 5.0, (0.92, 0.96, 1.0)),
    Lamp((0.0, -0.8, -0.75), (0.9, 0.5), 1.1, (1.0, 0.93, 0.88)),
)
