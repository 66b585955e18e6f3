"""Phones in time, and the one alphabet that rules are written for (ARPAbet)."""

from dataclasses import dataclass, replace
from difflib import SequenceMatcher

SILENCE = "sil"

IPA = {  # as espeak, misaki (Kokoro, hibari) and flite write it; capital letters are misaki's diphthongs. Phones that
    # English has not, in the second part, become those that look alike.
    "ɑ": "aa", "a": "aa", "ɒ": "ao", "æ": "ae", "ʌ": "ah", "ɐ": "ah", "ə": "ax", "ᵊ": "ax", "ɚ": "er", "ɜ": "er",
    "ɝ": "er", "ɔ": "ao", "ɛ": "eh", "e": "eh", "ɪ": "ih", "ᵻ": "ih", "ɨ": "ih", "i": "iy", "ʊ": "uh", "u": "uw",
    "o": "ow", "A": "ey", "I": "ay", "O": "ow", "Q": "ow", "W": "aw", "Y": "oy", "b": "b", "d": "d", "f": "f",
    "ɡ": "g", "g": "g", "h": "hh", "j": "y", "k": "k", "l": "l", "ɫ": "l", "m": "m", "n": "n", "ŋ": "ng", "p": "p",
    "ɹ": "r", "r": "r", "s": "s", "t": "t", "ɾ": "d", "v": "v", "w": "w", "z": "z", "ð": "dh", "θ": "th", "ʃ": "sh",
    "ʒ": "zh", "ʧ": "ch", "ʤ": "jh", "x": "k", "ʔ": "t", "T": "d",
    "β": "b", "ʋ": "v", "ɣ": "g", "χ": "k", "ɦ": "hh", "ʝ": "y", "ɥ": "w", "ʎ": "l", "ɲ": "n", "ɳ": "n", "ɟ": "jh",
    "c": "ch", "ɕ": "sh", "ʂ": "sh", "ɖ": "d", "ʈ": "t", "ɽ": "d", "ɻ": "r", "ʦ": "s", "ʣ": "z", "ʨ": "ch", "ꭧ": "ch",
    "ʥ": "jh", "ɤ": "ax", "ɯ": "ih", "ø": "uh", "œ": "uh",
}  # fmt: skip
PAUSE = 0.10  # s; a blank between words that is shorter belongs to the phone before it
MARKS = "ˈˌː̃ʰʲ'→↗↓↘"  # stress, length and tone: they belong to the phone beside them
STRESS = {"ˈ": 1, "ˌ": 2, "1": 1, "2": 2}  # marks of IPA and of ARPAbet
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
        stress: of a vowel, as ARPAbet numbers it: 1 primary, 2 secondary, 0 none.
    """

    name: str
    start: float
    end: float
    stress: int = 0


def arpabet(symbol: str) -> str:
    """One symbol of IPA, of flite or of ARPAbet with stress, as our ARPAbet; what is unknown is silence."""
    plain = symbol.strip().rstrip("012").strip(MARKS)
    if plain in FLITE:
        return FLITE[plain]
    if plain in IPA and not (plain.isascii() and len(plain) > 1):
        return IPA[plain]
    return plain.lower() if plain.lower() in KNOWN else SILENCE


VOWELS = frozenset({"aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw"})
CONSONANTS = frozenset({
    "b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r", "s", "sh", "t", "th", "v", "w", "y",
    "z", "zh",
})  # fmt: skip
KNOWN = VOWELS | CONSONANTS


def in_time(symbols: list[str], durations: list[float], start: float = 0.0) -> list[Phone]:
    """Phones one after another; marks lengthen their neighbour, silences that meet become one.

    A mark of stress is that of the next vowel, before which misaki writes it, and espeak before the whole syllable.
    """
    phones: list[Phone] = []
    at, pending, stress = start, 0.0, 0
    for symbol, duration in zip(symbols, durations, strict=True):
        between = symbol == " " and duration < PAUSE and phones and phones[-1].name != SILENCE
        stress = next((number for mark, number in STRESS.items() if mark in symbol), stress)
        if between or (symbol.strip() and all(c in MARKS for c in symbol)):
            if symbol[0] in STRESS or not phones:
                pending += duration  # stress comes before its vowel
            else:
                phones[-1] = replace(phones[-1], end=phones[-1].end + duration)
                at += duration
            continue
        name, begin = arpabet(symbol), at
        at += duration + pending
        pending = 0.0
        if phones and name == SILENCE == phones[-1].name:
            phones[-1] = replace(phones[-1], end=at)
        elif at > begin:
            phones.append(Phone(name, begin, at, stress if name in VOWELS else 0))
        if name in VOWELS:
            stress = 0
    return phones


def with_stress(phones: list[Phone], spelt: list[Phone]) -> list[Phone]:
    """The phones with the stress that the same words have in `spelt`, whose vowels may be others in places."""
    names, others = [[phone.name for phone in some if phone.name in VOWELS] for some in (phones, spelt)]
    marks = iter([phone.stress for phone in spelt if phone.name in VOWELS])
    stresses: list[int] = []
    for _, first, last, other_first, other_last in SequenceMatcher(None, names, others, False).get_opcodes():
        found = [next(marks) for _ in range(other_last - other_first)]
        stresses += (found + [0] * (last - first))[: last - first]
    given = iter(stresses)
    return [replace(phone, stress=next(given)) if phone.name in VOWELS else phone for phone in phones]
