"""The protocol of voices."""

import unicodedata
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import TextError
from frame_generation_pipeline.voice.sentences import Sentence, place_of, split_sentences

RATE = 24_000  # Hz; sample rate of every voice

VoiceSamples = npt.NDArray[np.float32]  # (k,), mono, full scale is [-1, 1]


class Voice(Protocol):
    """Speaks sentences. Any number of threads may call it at once."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the voice: its kind, name and settings."""

    def check(self, text: str) -> list[Sentence]:
        """The sentences of `text`, which can be spoken as far as can be told before. Raises TextError."""

    def speak(self, text: str, number: int) -> Iterator[VoiceSamples]:
        """The audio of a sentence, the `number`th of its text, piece by piece at `RATE`.

        Raises VoiceError; gives no samples for what it cannot speak.
        """


def spoken(voice: Voice, text: str, sentence: Sentence, number: int) -> Iterator[VoiceSamples]:
    """The audio of one of the text's sentences; raises TextError where the voice gives none, and VoiceError."""
    silent = True
    for samples in voice.speak(sentence.text, number):
        silent = silent and not len(samples)
        yield samples
    if silent and any(letter.isalnum() for letter in sentence.text):
        raise TextError(
            f"the text, {place_of(text, sentence.place)}: the voice gave no audio for {sentence.text[:40]!r}; write it "
            "in other words, or take another voice",
            sentence.place,
        )


def spoken_text(voice: Voice, text: str) -> Iterator[VoiceSamples]:
    """The audio of a whole text at `RATE`, sentence after sentence, each as soon as it is spoken.

    Raises TextError, at the first sample for what is known before, and VoiceError.
    """
    for number, sentence in enumerate(voice.check(text)):
        yield from spoken(voice, text, sentence, number)


def sentences_of(text: str) -> list[Sentence]:
    """The sentences of a text that says anything. Raises TextError where it has no letter, digit or sign to speak."""
    if not any(letter.isalnum() or _is_sign(letter) for letter in text):
        raise TextError("the text is empty: nothing to say; give a text with words", 0)
    return split_sentences(text)


def _is_sign(letter: str) -> bool:
    """Whether it may be spoken without being a letter or digit, as an emoji may; no mark, blank or invisible one."""
    return not letter.isascii() and unicodedata.category(letter) in ("So", "Sm", "Sc")
