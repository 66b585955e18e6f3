"""Split a text into sentences that are short enough to be spoken soon and know their place in the text."""

import re
from dataclasses import dataclass

LONGEST = 240  # characters of a sentence; synthesis takes more than twice as long for twice the text
ABBREVIATIONS = {  # after which a full stop ends no sentence
    *("mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "rev", "gen", "col", "lt", "capt", "sgt", "mt", "no", "vs"),
    *("etc", "e.g", "i.e", "approx", "fig", "vol"),
}


# The end of a sentence with its quotes and brackets: before a blank, or anywhere in scripts without blanks.
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’）]*")
_CLAUSE = re.compile(r"[,;:—–]\s|[，、；：]")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text, without the blanks around it."""

    text: str
    place: int  # of its first character in the text


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of a text in order, none empty; lines end one, and those beyond `LONGEST` are cut at clauses."""
    found: list[Sentence] = []
    for line in re.finditer(r"[^\r\n\u2028\u2029]+", text):
        begin = line.start()
        for end in _ends(line.group()):
            found += _short(text, begin, line.start() + end)
            begin = line.start() + end
    return found


def place_of(text: str, index: int) -> str:
    """The place of a character in a text, for people: `line 2, character 7`."""
    before = text[:index].splitlines() or [""]
    if text[:index].endswith(("\n", "\r")):
        before.append("")
    return f"line {len(before)}, character {len(before[-1]) + 1}"


def _ends(line: str) -> list[int]:
    ends = [match.end() for match in _END.finditer(line) if not _goes_on(line, match)]
    return [*ends, len(line)]


def _goes_on(line: str, end: re.Match[str]) -> bool:
    """Whether a full stop is that of a title or an initial, or a small letter follows."""
    if end.group()[0] in "。！？":
        return False
    follows = line[end.end() :].lstrip()
    word = line[: end.start()].rpartition(" ")[2].lstrip("(\"'“‘[")
    initial = word.isupper() and all(len(letter) == 1 for letter in word.split("."))  # J. or U.S.
    return follows[:1].islower() or (end.group() == "." and (initial or word.lower() in ABBREVIATIONS))


def _short(text: str, begin: int, end: int) -> list[Sentence]:
    """The sentence from `begin` to `end`, cut where it is too long: after a clause, else at a blank, else anywhere."""
    found = []
    while begin < end:
        cut = end
        if len(text[begin:end].strip()) > LONGEST:
            part = text[begin : begin + LONGEST]
            clauses = [match.end() for match in _CLAUSE.finditer(part, LONGEST // 3)]
            blank = max(part.rfind(" ", 1), part.rfind("\t", 1))
            cut = begin + (clauses[-1] if clauses else blank if blank > 0 else LONGEST)
        if stripped := text[begin:cut].strip():
            found.append(Sentence(stripped, begin + text[begin:cut].index(stripped[0])))
        begin = cut
    return found
