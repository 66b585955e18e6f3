"""The voices of hibari-tts: English, on this machine, with the same bits for the same text and seed."""

import unicodedata
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from frame_generation_pipeline.errors import OptionError, TextError, VoiceError, library_errors
from frame_generation_pipeline.extras import needing_extra
from frame_generation_pipeline.voice.protocol import VoiceSamples, sentences_of
from frame_generation_pipeline.voice.sentences import Sentence, place_of

NAME = "heart"  # of the voice that comes with the package
LATIN = "\u0180"  # letters below this are Latin, whatever their names say


class HibariVoice:
    """A voice of hibari-tts.

    name: of its voices; `heart` comes with it, others must lie where its own command put them, as nothing is downloaded
    here. speed: 1 is the voice's own. seed: of the noise in the audio; each sentence has its own noise.

    Raises OptionError without the extra `[say]` and for a voice that is unknown or not on this machine.
    """

    def __init__(self, name: str = NAME, speed: float = 1.0, seed: int = 0) -> None:
        with needing_extra("say", "a voice"):
            from hibari import Hibari
            from hibari.voices import VOICES, voice_path
        if name not in VOICES:
            raise OptionError(f"voice {name!r} is unknown; expected one of {', '.join(VOICES)}")
        try:
            path = voice_path(name, download_missing=False)
        except FileNotFoundError as error:
            raise OptionError(
                f"voice {name!r} is not on this machine ({error}), and nothing is downloaded by itself; get it once, "
                f"{VOICES[name]['bytes'] / 1e6:.0f} MB, by running hibari Hello --voice {name}"
            ) from error
        self._name, self._speed, self._seed = name, speed, seed
        with library_errors(f"voice {name!r}"):
            self._voice = Hibari(name, path)
        self._phonemes = self._voice.g2p  # is read now, not at the first sentence
        self._speakable: dict[str, bool] = {}

    @property
    def fingerprint(self) -> str:
        """See `Voice`."""
        from hibari import __version__

        return f"hibari {__version__} {self._name} {self._speed:g} {self._seed}"

    def check(self, text: str) -> list[Sentence]:
        """See `Voice`. Letters that are not Latin, emoji and other signs without a reading cannot be spoken."""
        sentences = sentences_of(text)
        for index, letter in enumerate(text):
            if not self._known(letter):
                name = unicodedata.name(letter, f"U+{ord(letter):04X}")
                raise TextError(
                    f"the text, {place_of(text, index)}: {letter!r} ({name}) cannot be spoken by {self._name}, an "
                    "English voice; write it in English words, or take another voice by --tts-url",
                    index,
                )
        return sentences

    def speak(self, text: str, number: int) -> Iterator[VoiceSamples]:
        """See `Voice`."""
        written = "".join(self._written(letter) for letter in unicodedata.normalize("NFC", text))
        try:
            samples: VoiceSamples = self._voice(written, self._speed, [self._seed, number])
        except Exception as error:  # of its many tables and of ONNX Runtime
            raise VoiceError(
                f"voice {self._name!r}: failed at {text[:40]!r} ({error}); write it in other words"
            ) from error
        yield samples

    @cached_property
    def _symbols(self) -> dict[str, Any]:
        from hibari.g2p.normalize import CURRENCY_WORDS, SYMBOLS

        return {**SYMBOLS, **CURRENCY_WORDS}

    def _speaks(self, letter: str) -> bool:
        if letter not in self._speakable:
            self._speakable[letter] = bool(self._phonemes(letter).strip(" "))
        return self._speakable[letter]

    def _known(self, letter: str) -> bool:
        """Whether a character is spoken, or needs no sound: blanks, marks and punctuation."""
        kind = unicodedata.category(letter)
        if letter.isascii():
            return letter.isprintable() or letter.isspace()
        if kind[0] in "PZM" or kind == "Cf" or letter in self._symbols:
            return True
        if kind[0] == "L":
            latin = letter < LATIN or "LATIN" in unicodedata.name(letter, "")
            return latin and self._speaks(self._written(letter))
        return (kind == "Sk" and ord(letter) < 0x1_0000) or self._speaks(letter)

    def _written(self, letter: str) -> str:
        """A character as the voice knows it: without accents where it does not know these; invisible ones left out."""
        if letter.isascii() or letter in self._symbols:
            return letter
        if unicodedata.category(letter) in ("Cf", "Mn"):
            return ""
        if unicodedata.category(letter)[0] == "L" and not self._speaks(letter):
            return "".join(part for part in unicodedata.normalize("NFKD", letter) if part.isascii())
        return letter
