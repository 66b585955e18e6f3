"""Sentences that a man recorded in Russian, and the phones in them, as the Debian package `festvox-ru` has them.

Copyright (c) 2005 Nickolay V. Shmyrev, under a licence like BSD's: 620 sentences, 100 minutes. It was made for a
synthetic voice (Festival's `msu_ru_nsh_clunits`), and is the only long recording of a person here that is free to learn
from.
"""

from collections.abc import Iterator
from pathlib import Path

import soundfile

from studio.presenter.phones import SILENCE, Phone
from studio.presenter.voices import Utterance

ENGLISH = {  # what the mouth does likewise; ts as in `phones`; vowels of one letter are not stressed
    "pau": SILENCE, "aa": "aa", "ee": "eh", "ii": "iy", "oo": "ow", "uu": "uw", "yy": "ih",
    "a": "ah", "e": "eh", "i": "ih", "u": "uw", "y": "ih", "ae": "ax", "ay": "ax", "ur": "uh",
    "c": "s", "h": "k", "j": "y", "sch": "sh",
}  # fmt: skip
STRESSED = ("aa", "ee", "ii", "oo", "uu", "yy")


def recorded(folder: Path) -> Iterator[Utterance]:
    """Each sentence of `folder`, which has the recordings in `wav` and their phones in `lab`."""
    paths = sorted((folder / "wav").glob("*.wav"))
    if not paths:
        raise SystemExit(f"{folder}: no recordings in wav; give the folder msu_ru_nsh_clunits of festvox-ru")
    for path in paths:
        audio, rate = soundfile.read(path, dtype="float32")
        phones, start = [], 0.0
        for line in (folder / "lab" / f"{path.stem}.lab").read_text().split("#", 1)[1].strip().splitlines():
            end, _, name = line.split()
            phones.append(Phone(arpabet_of(name), start, float(end), int(name in STRESSED)))
            start = float(end)
        phones.append(Phone(SILENCE, start, max(start, len(audio) / rate)))
        yield Utterance(audio, rate, phones, "person", path.stem)


def arpabet_of(name: str) -> str:
    """The phone that looks alike; palatalized consonants, which are written twice, look like the others."""
    single = name[0] if len(name) == 2 and name[0] == name[1] and name not in ENGLISH else name
    return ENGLISH.get(single, single)
