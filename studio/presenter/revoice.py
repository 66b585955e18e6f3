"""The same speech by other voices in the same time: what images were drawn for, heard from many mouths."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from studio.presenter.speech import AUDIO, UTTERANCES
from studio.presenter.timing import SAMPLES, on_frames
from studio.presenter.voices import Kokoro, Utterance, kokoro_voices, padded


def revoiced(folder: Path, kokoro: Path, count: int, seed: int = 1) -> Iterator[npt.NDArray[Any]]:
    """`count` recordings as long as `folder/speech.wav`, each sentence by a voice of any of Kokoro's languages.

    What flite said stays as it is: nothing tells its durations to another voice.
    """
    synth, voices, random = Kokoro(kokoro), kokoro_voices(kokoro), np.random.default_rng(seed)
    own, _ = soundfile.read(folder / AUDIO, dtype="float32")
    utterances = json.loads((folder / UTTERANCES).read_text())
    for _ in range(count):
        audio = own.copy()
        for utterance in utterances:
            if not utterance["durations"]:
                continue
            voice = str(random.choice(voices)).removeprefix("kokoro-")
            spoken = synth.again(utterance["text"], voice, utterance["durations"])
            before = utterance["phones"][0][1]
            samples, frames = on_frames(padded(Utterance(spoken, synth.RATE, [], voice, ""), before, 0.0))
            first = utterance["first"] * SAMPLES
            lasts = min(frames, utterance["frames"]) * SAMPLES
            audio[first : first + utterance["frames"] * SAMPLES] = 0
            audio[first : first + lasts] = samples[:lasts]
        yield audio
