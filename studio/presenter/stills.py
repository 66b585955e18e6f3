"""Single images to look at: a few expressions, and phones on their own."""

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from studio.presenter.lips import lips_alone
from studio.presenter.phones import SILENCE, Phone
from studio.presenter.render import Renderer
from studio.presenter.state import State
from studio.presenter.visemes import articulate, weights

STILLS: dict[str, State] = {
    "rest": State({"lipSeal": 1.0}),
    "turned": State({"lipSeal": 1.0}, turn=(0.07, 0.03, 0.02), gaze=(-0.07, 0.0)),
    "blink": State({"lipSeal": 1.0, "eyeBlinkLeft": 0.91, "eyeBlinkRight": 0.91}),
    "half blink": State({"lipSeal": 1.0, "eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}),
    "glance": State(
        {"lipSeal": 1.0, "eyeLookOutLeft": 0.4, "eyeLookInRight": 0.4}, turn=(0.03, 0, 0), gaze=(0.2, -0.05)
    ),
}  # fmt: skip


def write_stills(draw: Renderer, phones: Sequence[str], folder: Path) -> None:
    """Write a PNG of each expression and of each phone (ARPAbet), stressed and held between silences."""
    folder.mkdir(parents=True, exist_ok=True)
    lips, states = lips_alone(draw.skin), dict(STILLS)
    for name in phones:
        spoken = [Phone(SILENCE, 0.0, 0.1), Phone(name, 0.1, 0.4, 1), Phone(SILENCE, 0.4, 0.6)]
        states[name] = State(weights({key: value[0] for key, value in articulate(spoken, np.array([0.25])).items()}))
    for name, state in states.items():
        started = time.time()
        cv2.imwrite(str(folder / f"{name}.png"), draw.frame(state))
        print(f"{name}: lips {lips.opening(state.weights) * 1000:.1f} mm apart, {time.time() - started:.2f} s")
