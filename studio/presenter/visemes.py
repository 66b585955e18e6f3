"""From phones in time to mouth shapes.

Each phone has targets for a few articulators, and each target a dominance that grows towards the phone and falls away
from it; an articulator's place is the mean of all targets, weighted by dominance: Cohen and Massaro, "Modeling
coarticulation in synthetic visual speech", in Models and Techniques in Computer Animation, 1993. It follows Löfqvist,
"Speech as audible gestures", 1990. What must happen does, whatever the neighbours want: the lips meet for p, b, m and
the lower lip meets the teeth for f and v. Jaw heights order the vowels by openness, and lips round for u, o, w, r and
protrude for sh, ch: Jackson, "The theoretical minimal unit for visual speech perception: visemes and coarticulation",
The Volta Review 90(5), 1988, and Jeffers and Barley, Speechreading, 1971. Stressed vowels are opened wider and held
against their neighbours, unstressed ones are reduced: Summers, "Effects of stress and final-consonant voicing on vowel
production", JASA 82(3), 1987, and de Jong, "The supraglottal articulation of prominence in English", JASA 97(1), 1995.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.presenter.phones import SILENCE, VOWELS, Phone
from studio.presenter.state import SEAL

FPS = 25  # frames a second


@dataclass(frozen=True)
class Target:
    """Articulators of a phone, 0 to 1 each.

    Attributes:
        jaw: open; 1 is half of the widest.
        round: lips drawn together, as for u.
        flare: lips turned outwards, as for sh.
        spread: corners drawn apart, as for iy.
        raise_: upper lip.
        drop: lower lip.
        bite: lower lip to the upper teeth.
        tongue: tip forward and up, seen between the teeth for th.
        weight: dominance; a weak phone takes its neighbours' shape.
        reach: s, how far a gesture begins before the phone and lasts after it.
    """

    jaw: float = 0.0
    round: float = 0.0
    flare: float = 0.0
    spread: float = 0.0
    raise_: float = 0.0
    drop: float = 0.0
    bite: float = 0.0
    tongue: float = 0.0
    weight: float = 1.0
    reach: float = 0.09


OPENING = ("jaw", "drop", "raise_")  # the articulators that part the lips
ARTICULATORS = [f.name for f in fields(Target) if f.name not in ("weight", "reach")]
T = Target
PHONES: dict[str, tuple[Target, ...]] = {  # a diphthong has two
    SILENCE: (T(weight=0.8, reach=0.11),),
    "aa": (T(jaw=1.0, drop=0.35, raise_=0.15),),
    "ae": (T(jaw=0.95, spread=0.35, drop=0.40, raise_=0.25),),
    "ah": (T(jaw=0.66, drop=0.28, raise_=0.12),),
    "ax": (T(jaw=0.38, drop=0.20, raise_=0.08, weight=0.6),),
    "ao": (T(jaw=0.82, round=0.42, flare=0.35, drop=0.2),),
    "aw": (T(jaw=0.95, drop=0.30), T(jaw=0.35, round=0.65, flare=0.2)),
    "ay": (T(jaw=0.95, drop=0.35, raise_=0.15), T(jaw=0.35, spread=0.45, drop=0.25, raise_=0.2)),
    "eh": (T(jaw=0.78, spread=0.30, drop=0.35, raise_=0.22),),
    "er": (T(jaw=0.42, round=0.30, flare=0.30, drop=0.15),),
    "ey": (T(jaw=0.66, spread=0.40, drop=0.32, raise_=0.22), T(jaw=0.36, spread=0.55, drop=0.25, raise_=0.22)),
    "ih": (T(jaw=0.48, spread=0.36, drop=0.28, raise_=0.18),),
    "iy": (T(jaw=0.34, spread=0.70, drop=0.40, raise_=0.40),),
    "ow": (T(jaw=0.64, round=0.50, flare=0.25), T(jaw=0.28, round=0.85, flare=0.15)),
    "oy": (T(jaw=0.68, round=0.55, flare=0.30), T(jaw=0.32, spread=0.45, drop=0.25, raise_=0.2)),
    "uh": (T(jaw=0.34, round=0.48, flare=0.25),),
    "uw": (T(jaw=0.24, round=0.95, flare=0.10, weight=1.2, reach=0.13),),
    "p": (T(jaw=0.06, weight=1.3, reach=0.06),),
    "b": (T(jaw=0.06, weight=1.3, reach=0.06),),
    "m": (T(jaw=0.06, weight=1.3, reach=0.06),),
    "f": (T(jaw=0.10, bite=1.0, raise_=0.65, weight=1.4, reach=0.07),),
    "v": (T(jaw=0.10, bite=0.9, raise_=0.55, weight=1.3, reach=0.07),),
    "w": (T(jaw=0.14, round=1.0, flare=0.05, weight=1.5, reach=0.12),),
    "r": (T(jaw=0.22, round=0.45, flare=0.42, weight=0.9, reach=0.10),),
    "sh": (T(jaw=0.14, round=0.30, flare=0.75, drop=0.20, raise_=0.25, weight=1.2, reach=0.10),),
    "zh": (T(jaw=0.14, round=0.30, flare=0.70, drop=0.20, raise_=0.25, weight=1.2, reach=0.10),),
    "ch": (T(jaw=0.14, round=0.30, flare=0.70, drop=0.20, raise_=0.25, weight=1.2, reach=0.10),),
    "jh": (T(jaw=0.14, round=0.28, flare=0.65, drop=0.20, raise_=0.25, weight=1.2, reach=0.10),),
    "s": (T(jaw=0.13, spread=0.30, drop=0.48, raise_=0.42, weight=0.9),),
    "z": (T(jaw=0.14, spread=0.28, drop=0.46, raise_=0.40, weight=0.9),),
    "th": (T(jaw=0.24, spread=0.10, drop=0.28, raise_=0.15, tongue=1.0, weight=0.9),),
    "dh": (T(jaw=0.24, spread=0.10, drop=0.25, raise_=0.12, tongue=0.9, weight=0.7),),
    "t": (T(jaw=0.16, spread=0.18, drop=0.25, raise_=0.15, tongue=0.35, weight=0.55),),
    "d": (T(jaw=0.18, spread=0.16, drop=0.25, raise_=0.15, tongue=0.35, weight=0.55),),
    "n": (T(jaw=0.20, spread=0.15, drop=0.24, raise_=0.14, tongue=0.35, weight=0.5),),
    "l": (T(jaw=0.30, spread=0.10, drop=0.25, raise_=0.14, tongue=0.55, weight=0.5),),
    "k": (T(jaw=0.28, drop=0.18, raise_=0.10, weight=0.35),),
    "g": (T(jaw=0.28, drop=0.18, raise_=0.10, weight=0.35),),
    "ng": (T(jaw=0.28, drop=0.18, raise_=0.10, weight=0.35),),
    "hh": (T(jaw=0.32, drop=0.18, raise_=0.08, weight=0.25),),
    "y": (T(jaw=0.16, spread=0.50, drop=0.25, raise_=0.20, weight=0.8),),
}
EFFORT = {1: 1.0, 2: 0.85, 0: 0.70}  # of a vowel's opening and dominance, by stress
CLOSED = {"p", "b", "m"}
BITTEN = {"f", "v"}
JAW = 0.52  # weight of the open jaw at 1
CLOSING, HELD = 0.055, 0.045  # s: lips move onto each other, and stay at least this long: more than a frame of video


def _smooth(t: npt.NDArray[Any]) -> npt.NDArray[Any]:
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _window(times: npt.NDArray[Any], start: float, end: float) -> npt.NDArray[Any]:
    """1 from start to end, held for `HELD` at least, with smooth flanks of `CLOSING`."""
    lack = max(0.0, HELD - (end - start)) / 2
    return np.asarray(
        _smooth((times - (start - lack - CLOSING)) / CLOSING) * _smooth((end + lack + CLOSING - times) / CLOSING)
    )


def articulate(phones: list[Phone], times: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """{articulator and `seal`: (N,) 0 to 1} at `times` in s."""
    total = {name: np.zeros(len(times)) for name in ARTICULATORS}
    dominance = np.full(len(times), 1e-4)  # far from everything the mouth rests
    for phone in phones:
        targets = PHONES.get(phone.name, PHONES[SILENCE])
        effort = EFFORT[phone.stress] if phone.name in VOWELS else 1.0
        edges = np.linspace(phone.start, phone.end, len(targets) + 1)
        for target, start, end in zip(targets, edges, edges[1:], strict=False):
            outside = np.maximum(np.maximum(start - times, times - end), 0)
            within = 0.35 * np.minimum(end - start, 0.25) * np.abs(times - (start + end) / 2) / max(end - start, 1e-3)
            share = effort * target.weight * np.exp(-2.2 * (outside + within) / target.reach)
            dominance += share
            for name in ARTICULATORS:
                total[name] += share * getattr(target, name) * (effort if name in OPENING else 1.0)
    moves = {name: value / dominance for name, value in total.items()}
    seal, bite, quiet = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times))
    for phone in phones:
        length = phone.end - phone.start
        if phone.name in CLOSED:  # a stop is released before its burst ends
            seal = np.maximum(
                seal, _window(times, phone.start, phone.end - (0.3 * length if phone.name != "m" else 0.01))
            )
        elif phone.name in BITTEN:
            bite = np.maximum(bite, _window(times, phone.start + 0.01, phone.end - 0.01))
        elif phone.name == SILENCE:
            start = phone.start if phone.start <= 0.01 else phone.start + 0.13
            quiet = np.maximum(
                quiet, _smooth((times - start + 0.10) / 0.10) * _smooth((phone.end - 0.05 - times) / 0.10)
            )
    moves["bite"] = np.maximum(moves["bite"], bite) * (1 - seal)
    for name in ("jaw", "drop", "raise_", "tongue"):
        moves[name] = moves[name] * (1 - 0.75 * np.maximum(quiet, seal if name != "jaw" else 0.35 * seal))
    moves["jaw"] *= 1 - 0.65 * bite
    moves["drop"] *= 1 - 0.9 * bite
    moves["seal"] = np.maximum(seal, quiet)
    return moves


def weights(moves: dict[str, float]) -> dict[str, float]:
    """Expression weights by ARKit's names (and `lipSeal`) of one moment of `articulate`."""
    m = {name: float(value) for name, value in moves.items()}
    both = {
        "mouthStretch": 0.38 * m["spread"],
        "mouthSmile": 0.22 * m["spread"],
        "mouthUpperUp": 0.55 * m["raise_"] + 0.10 * m["bite"],
        "mouthLowerDown": 0.62 * m["drop"] + 0.15 * m["flare"],
        "mouthPress": 0.12 * m["seal"],
    }
    single = {
        "jawOpen": JAW * m["jaw"],
        "mouthPucker": 0.80 * m["round"],
        "mouthFunnel": 0.42 * m["flare"] + 0.16 * m["round"],
        "mouthRollLower": 0.62 * m["bite"] + 0.14 * m["seal"] * (1 - m["round"]),
        "mouthRollUpper": 0.10 * m["seal"],
        "mouthShrugLower": 0.16 * m["bite"],
        "tongueOut": 0.30 * m["tongue"],
        SEAL: m["seal"],
    }
    return single | {name + side: value for name, value in both.items() for side in ("Left", "Right")}


def track(phones: list[Phone], frames: int) -> tuple[list[dict[str, float]], dict[str, npt.NDArray[Any]], list[str]]:
    """Weights, articulators and the phone of each frame of video; a frame shows the middle of its exposure."""
    times = (np.arange(frames) + 0.5) / FPS
    moves = articulate(phones, times)
    labels = []
    for time in times:
        here = [p.name for p in phones if p.start <= time < p.end]
        labels.append(here[0] if here else SILENCE)
    return [weights({k: v[i] for k, v in moves.items()}) for i in range(frames)], moves, labels
