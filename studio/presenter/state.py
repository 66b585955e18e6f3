"""A moment of the person: what a frame shows."""

from dataclasses import dataclass, field

SEAL = "lipSeal"  # a weight beside ARKit's: lips pressed together, see `lips`


@dataclass(frozen=True)
class State:
    """A moment of the person.

    Attributes:
        weights: expression weights by ARKit's names, and `lipSeal`.
        turn: radians, the head's yaw (to the person's left), pitch (down), roll (to the person's left).
        shift: m, the head's translation.
        gaze: radians, yaw (to the person's left) and pitch (up) of the eyes in the head.
        breath: -1 to 1.
    """

    weights: dict[str, float] = field(default_factory=dict)
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
