"""Phones in time, and the one alphabet that rules are written for (ARPAbet)."""

from dataclasses import dataclass

SILENCE = "sil"

IPA = {  # as espeak, misaki (Kokoro, hibari) and flite write English; capital letters are misaki's diphthongs
    "ɑ": "aa", "a": "aa", "ɒ": "ao", "æ": "ae", "ʌ": "ah", "ɐ": "ah", "ə": "ax", "ᵊ": "ax", "ɚ": "er", "ɜ": "er",
    "ɝ": "er", "ɔ": "ao", "ɛ": "eh", "e": "eh", "ɪ": "ih", "ᵻ": "ih", "ɨ": "ih", "i": "iy", "ʊ": "uh", "u": "uw",
    "o": "ow", "A": "ey", "I": "ay", "O": "ow", "Q": "ow", "W": "aw", "Y": "oy", "b": "b", "d": "d", "f": "f",
    "ɡ": "g", "g": "g", "h": "hh", "j": "y", "k": "k", "l": "l", "ɫ": "l", "m": "m", "n": "n", "ŋ": "ng", "p": "p",
    "ɹ": "r", "r": "r", "s": "s", "t": "t", "ɾ": "d", "v": "v", "w": "w", "z": "z", "ð": "dh", "θ": "th", "ʃ": "sh",
    "ʒ": "zh", "ʧ": "ch", "ʤ": "jh", "x": "k", "ʔ": "t", "T": "d",
}  # fmt: skip
PAUSE = 0.10  # s; a blank between words that is shorter belongs to the phone before it
MARKS = "ˈˌː̃ʰʲ'"  # stress and length: they belong to the phone beside them
FLITE = {
    "pau": SILENCE,
    "h#": SILENCE,
    "axr": "er",
    "el": "l",
    "em": "m",
    "en": "n",
    "dx": "d",
    "hv": "hh",
    "ix": "ih",
    "nx": "n",
}


@dataclass(frozen=True)
class Phone:
    """A phone of speech.

    Attributes:
        name: ARPAbet in small letters without stress, or `sil`.
        start, end: s.
    """

    name: str
    start: float
    end: float


def arpabet(symbol: str) -> str:
    """One symbol of IPA, of flite or of ARPAbet with stress, as our ARPAbet; what is unknown is silence."""
    plain = symbol.strip().rstrip("012").strip(MARKS)
    if plain in FLITE:
        return FLITE[plain]
    if plain in IPA and not (plain.isascii() and len(plain) > 1):
        return IPA[plain]
    return plain.lower() if plain.lower() in KNOWN else SILENCE


KNOWN = frozenset(
    [
        "aa",
        "ae",
        "ah",
        "ao",
        "aw",
        "ax",
        "ay",
        "b",
        "ch",
        "d",
        "dh",
        "eh",
        "er",
        "ey",
        "f",
        "g",
        "hh",
        "ih",
        "iy",
        "jh",
        "k",
        "l",
        "m",
        "n",
        "ng",
        "ow",
        "oy",
        "p",
        "r",
        "s",
        "sh",
        "t",
        "th",
        "uh",
        "uw",
        "v",
        "w",
        "y",
        "z",
        "zh",
    ]
)


def in_time(symbols: list[str], durations: list[float], start: float = 0.0) -> list[Phone]:
    """Phones one after another; marks lengthen their neighbour, silences that meet become one."""
    phones: list[Phone] = []
    at, pending = start, 0.0
    for symbol, duration in zip(symbols, durations, strict=True):
        between = symbol == " " and duration < PAUSE and phones and phones[-1].name != SILENCE
        if between or (symbol.strip() and all(c in MARKS for c in symbol)):
            if symbol[0] in "ˈˌ" or not phones:
                pending += duration  # stress comes before its vowel
            else:
                phones[-1] = Phone(phones[-1].name, phones[-1].start, phones[-1].end + duration)
                at += duration
            continue
        name, begin = arpabet(symbol), at
        at += duration + pending
        pending = 0.0
        if phones and name == SILENCE == phones[-1].name:
            phones[-1] = Phone(SILENCE, phones[-1].start, at)
        elif at > begin:
            phones.append(Phone(name, begin, at))
    return phones
