"""Life without speech: breathing, small motions of the head, blinks, a glance. All of it repeats after the loop."""

from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.state import State

SHUT = 0.91  # weight of closed lids: at rest they are a little down already
LONGEST = 45_000  # frames until the motion beneath speech repeats; what it takes grows with their square


@dataclass(frozen=True)
class Idle:
    """A loop of idle motion.

    Attributes:
        frames: of the loop.
        fps: frames a second.
        blinks: s, when lids begin to close.
        glances: (start s, end s, yaw, pitch in radians) of looks away from the camera.
        amplitude: factor on the head's motion.
        seed: of the head's motion.
    """

    frames: int = 250
    fps: float = 25.0
    blinks: tuple[float, ...] = (1.30, 4.56, 8.32)
    glances: tuple[tuple[float, float, float, float], ...] = ((4.62, 5.50, 0.13, -0.05),)
    amplitude: float = 1.0
    seed: int = 7


def wander(phase: npt.NDArray[Any], random: np.random.Generator, waves: int) -> npt.NDArray[Any]:
    """Smooth noise of about unit size that repeats with `phase`, 0 to 1; slow waves are larger."""
    k = np.arange(1, waves + 1)
    angle = 2 * np.pi * (phase[:, None] * k + random.uniform(0, 1, waves))
    size = random.normal(1, 0.25, waves) / k**1.15
    return np.asarray((np.sin(angle) * size).sum(1) / np.sqrt((size**2).sum() / 2))


def lids(times: npt.NDArray[Any], starts: tuple[float, ...], period: float) -> npt.NDArray[Any]:
    """Closure of the lids, 0 to 1: shut in 0.09 s, open again in 0.17 s.

    Durations: VanderWerf et al., "Eyelid movements", Journal of Neurophysiology 89, 2003.
    """
    closed = np.zeros(len(times))
    for start in starts:
        t = (times - start) % period
        down, up = np.clip(t / 0.09, 0, 1), np.clip((t - 0.12) / 0.17, 0, 1)
        closed = np.maximum(
            closed, np.where(t < 1, np.sin(np.pi / 2 * down) ** 1.5 * (1 - (up * up * (3 - 2 * up)) ** 0.8), 0)
        )
    return closed


def look(weights: dict[str, float], blink: float, gaze: tuple[float, float]) -> dict[str, float]:
    """Weights with lids that are closed by `blink` and follow the gaze (radians, as in `State`)."""
    yaw, pitch = gaze
    down, up = max(0.0, -pitch) / 0.5, max(0.0, pitch) / 0.5
    left, right = max(0.0, yaw) / 0.6, max(0.0, -yaw) / 0.6
    added = {
        "eyeBlinkLeft": SHUT * blink, "eyeBlinkRight": SHUT * blink * 0.99,
        "eyeLookDownLeft": down, "eyeLookDownRight": down, "eyeLookUpLeft": up, "eyeLookUpRight": up,
        "eyeLookOutLeft": left, "eyeLookInRight": left, "eyeLookOutRight": right, "eyeLookInLeft": right,
        "browInnerUp": 0.0, "eyeSquintLeft": 0.10 * blink, "eyeSquintRight": 0.10 * blink,
    }  # fmt: skip
    return {**weights, **added}


def states(idle: Idle) -> list[State]:
    """One state a frame; the frame after the last is the first."""
    random = np.random.default_rng(idle.seed)
    period = idle.frames / idle.fps
    phase = np.arange(idle.frames) / idle.frames
    times = phase * period
    waves = max(3, round(period * 0.55))  # up to about half a cycle a second
    a = idle.amplitude
    yaw, pitch, roll = (wander(phase, random, waves) * size * a for size in (0.016, 0.011, 0.009))
    shift = np.stack([wander(phase, random, waves) * size * a for size in (0.0012, 0.0010, 0.0008)], axis=1)
    breaths = max(1, round(period / 3.6))
    breath = np.sin(2 * np.pi * breaths * phase - 0.6)
    pitch = pitch - 0.0022 * breath
    shift[:, 2] += 0.0007 * breath
    gaze = np.zeros((idle.frames, 2))
    for start, end, gy, gp in idle.glances:
        on = np.clip((times - start) / 0.07, 0, 1) - np.clip((times - end) / 0.07, 0, 1)
        gaze += on[:, None] * (gy, gp)
        slow = np.clip((times - start) / 0.45, 0, 1) - np.clip((times - end) / 0.55, 0, 1)
        slow = slow * slow * (3 - 2 * slow)
        yaw, pitch = yaw + 0.22 * gy * slow, pitch - 0.22 * gp * slow  # the head follows a little
    small = np.repeat(
        random.normal(0, 0.006, (max(1, idle.frames // 14), 2)), 14, axis=0
    )  # fixations drift in small steps
    small = np.resize(small, (idle.frames, 2))
    small[-7:] = small[0]
    away = np.abs(gaze).sum(1) > 0
    eyes = (
        gaze + small * 0.7 - np.stack([yaw, -pitch], 1) * np.where(away, 0.6, 1.0)[:, None]
    )  # the eyes stay on the camera
    closed = lids(times, idle.blinks, period)
    brow = 0.5 + 0.5 * wander(phase, random, waves)
    smile = np.clip(0.04 + 0.03 * wander(phase, random, waves), 0, 0.12)
    result = []
    for n in range(idle.frames):
        weights = look({}, float(closed[n]), (float(eyes[n, 0]), float(eyes[n, 1])))
        weights["browInnerUp"] = float(np.clip(0.05 * brow[n], 0, 0.2))
        weights["mouthSmileLeft"] = weights["mouthSmileRight"] = float(smile[n])
        weights["lipSeal"] = 1.0
        result.append(
            State(weights, (float(yaw[n]), float(pitch[n]), float(roll[n])),
                  (float(shift[n, 0]), float(shift[n, 1]), float(shift[n, 2])),
                  (float(eyes[n, 0]), float(eyes[n, 1])), float(breath[n]))
        )  # fmt: skip
    return result


def speaking(
    track: list[dict[str, float]], seed: int, fps: float = 25.0, loudness: npt.NDArray[Any] | None = None
) -> list[State]:
    """Idle motion, repeated after half an hour, and the weights of `visemes.track`; the head nods with `loudness`."""
    random = np.random.default_rng(seed)
    frames = min(len(track), LONGEST)
    blinks, at = [], random.uniform(0.4, 2.0)
    while at < frames / fps:
        blinks.append(at)
        at += random.uniform(1.8, 4.6)
    life = states(Idle(frames + 50, fps, tuple(blinks), (), 1.25, seed))
    nod = np.zeros(len(track)) if loudness is None else loudness
    result = []
    for state, mouth, amount in zip(cycle(life), track, nod, strict=False):
        merged = dict(state.weights)
        for name, value in mouth.items():
            merged[name] = merged.get(name, 0.0) + value if name != "lipSeal" else value
        merged["browInnerUp"] += 0.10 * float(amount)
        yaw, pitch, roll = state.turn
        result.append(replace(state, weights=merged, turn=(yaw, pitch + 0.014 * float(amount), roll)))
    return result
