"""Speech to perform: its audio, who says what in it, and from both what the person does in each frame."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from studio.presenter.idle import speaking
from studio.presenter.phones import Phone
from studio.presenter.state import State
from studio.presenter.timing import SAMPLES, loudness, on_frames, write_audio
from studio.presenter.visemes import track
from studio.presenter.voices import Utterance

AUDIO, UTTERANCES = "speech.wav", "utterances.json"  # files of a speech


@dataclass(frozen=True)
class Performance:
    """What the person does in each frame of a speech.

    Attributes:
        states: (N,) of the person.
        moves: {articulator and `seal`: (N,) 0 to 1}.
        phones: (N,) names.
    """

    states: list[State]
    moves: dict[str, npt.NDArray[Any]]
    phones: list[str]


def speak(utterances: Iterable[Utterance], folder: Path) -> None:
    """Write the audio of utterances, one after another, and who says what when; does nothing if both are there."""
    if (folder / UTTERANCES).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    recordings: list[npt.NDArray[Any]] = []
    log: list[dict[str, Any]] = []
    first = 0
    for utterance in utterances:
        samples, frames = on_frames(utterance)
        log.append({"voice": utterance.voice, "text": utterance.text, "first": first, "frames": frames,
                    "phones": [[p.name, p.start, p.end, p.stress] for p in utterance.phones],
                    "durations": utterance.durations})  # fmt: skip
        first += frames
        recordings.append(samples)
    write_audio(folder / AUDIO, np.concatenate(recordings))
    unfinished = folder / f"{UTTERANCES}.part"
    unfinished.write_text(json.dumps(log, indent=1))
    unfinished.replace(folder / UTTERANCES)


def perform(folder: Path, seed: int) -> Performance:
    """What the rules make of the speech in `folder`; `seed` is that of the head's motion."""
    audio, _ = soundfile.read(folder / AUDIO, dtype="float32")
    mouths: list[dict[str, float]] = []
    moves: list[dict[str, npt.NDArray[Any]]] = []
    phones: list[str] = []
    nods = []
    for utterance in json.loads((folder / UTTERANCES).read_text()):
        first, frames = utterance["first"], utterance["frames"]
        mouth, moved, names = track([Phone(*row) for row in utterance["phones"]], frames)
        mouths += mouth
        moves.append(moved)
        phones += names
        nods.append(loudness(audio[first * SAMPLES : (first + frames) * SAMPLES], frames))
    joined = {name: np.concatenate([moved[name] for moved in moves]) for name in moves[0]}
    return Performance(speaking(mouths, seed, loudness=np.concatenate(nods)), joined, phones)
