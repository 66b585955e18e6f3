import re
import subprocess

import pytest

from studio.presenter.languages import ESPEAK, HELD_OUT, SENTENCES, VOICES, sentences_in, spelt
from studio.presenter.phones import SILENCE, arpabet


@pytest.mark.parametrize(
    ("language", "text", "written", "expected"),
    [
        ("es", "Llueve, niños.", "ʎwˈeβe\nnˈiɲos\n", "ʎwˈeβe, nˈiɲos."),
        ("hi", "बच्चे", "bˈʌcʰcʰeː ɡˈʌr\n", "bˈʌcʰcʰeː ɡˈʌr."),
        # espeak-ng writes the first and the fourth tone alike, and names the language where it finds no pinyin
        ("zh", "chang2 shi2 qi4, he1.", "ts.hˈɑɜŋ s.ˈi.ɜ tɕhˈi5\nχˈo-5\n", "ꭧʰˈɑŋ↗ ʂˈɨ↗ ʨʰˈi↘, χˈɤ→."),
        ("zh", "gong1.", "(cmn)kˈonɡ5\n", "kˈʊŋ→."),
        ("zh", "shi4 li3, li3.", "s.ˈi.5 lˈi2\nlˈi2\n", "ʂˈɨ↘ lˈi↓, lˈi↓."),  # its dot in i. is no full stop
    ],
)
def test_sentences_are_spelt_as_the_voices_know_it(
    monkeypatch: pytest.MonkeyPatch, language: str, text: str, written: str, expected: str
) -> None:
    asked = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        asked.append(command[-2:])
        return subprocess.CompletedProcess(command, 0, written, "")

    monkeypatch.setattr(subprocess, "run", run)
    assert spelt(text, language) == expected
    assert asked == [[ESPEAK[language], text]]


def test_each_language_has_sentences_and_voices() -> None:
    assert set(ESPEAK) == set(VOICES) == set(SENTENCES) == set(HELD_OUT)
    assert min(len(sentences_in(language, held_out)) for language in SENTENCES for held_out in (False, True)) >= 9


def test_what_is_measured_is_not_learned_from() -> None:
    for language in SENTENCES:
        learned, measured = sentences_in(language), sentences_in(language, held_out=True)
        assert len({*learned, *measured}) == len(learned) + len(measured)


def test_every_syllable_of_mandarin_has_a_tone() -> None:
    for line in sentences_in("zh") + sentences_in("zh", held_out=True):
        assert all(re.fullmatch(r"[a-zü]+[1-5][,.?]?", syllable) for syllable in line.split()), line


def test_phones_of_other_languages_look_like_english_ones() -> None:
    named = [arpabet(symbol) for symbol in ["β", "ʋ", "ʎ", "ɲ", "ɕ", "ʂ", "ꭧ", "ʨ", "ɤ", "ʈ"]]
    assert named == ["b", "v", "l", "n", "sh", "sh", "ch", "ch", "ax", "t"]
    assert SILENCE not in named
