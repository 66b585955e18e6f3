import pytest

from studio.presenter.phones import KNOWN, PAUSE, SILENCE, Phone, arpabet, in_time, with_stress


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("AA1", "aa"),  # ARPAbet with stress
        ("iy", "iy"),
        ("ʃ", "sh"),  # IPA
        ("iː", "iy"),
        ("ˈæ", "ae"),
        ("A", "ey"),  # misaki's capital letters are diphthongs
        ("axr", "er"),  # flite
        ("pau", SILENCE),
        ("e", "eh"),
        ("?", SILENCE),
        ("qq", SILENCE),
    ],
)
def test_every_alphabet_becomes_arpabet(symbol: str, expected: str) -> None:
    assert arpabet(symbol) == expected


def test_arpabet_is_its_own_translation() -> None:
    assert {name for name in KNOWN if arpabet(name) != name} == set()


def test_phones_follow_one_another() -> None:
    assert in_time(["h", "A"], [0.05, 0.25], start=1.0) == [Phone("hh", 1.0, 1.05), Phone("ey", 1.05, 1.3)]


def test_length_belongs_to_the_phone_before_it_and_stress_to_the_one_after() -> None:
    phones = in_time(["ˈ", "i", "ː", "t"], [0.5, 0.25, 0.125, 0.25])
    assert phones == [Phone("iy", 0.0, 0.875, 1), Phone("t", 0.875, 1.125)]


def test_silences_that_meet_become_one() -> None:
    phones = in_time(["pau", ".", "m", "pau"], [0.25, 0.25, 0.25, 0.5])
    assert phones == [Phone(SILENCE, 0.0, 0.5), Phone("m", 0.5, 0.75), Phone(SILENCE, 0.75, 1.25)]


def test_a_short_blank_lengthens_its_phone_and_a_long_one_is_silence() -> None:
    short, long = PAUSE / 2, PAUSE * 2
    first, second = in_time(["m", " ", "p"], [0.1, short, 0.1])
    assert (first.name, second.name) == ("m", "p")
    assert [first.start, first.end, second.start, second.end] == pytest.approx([0, 0.15, 0.15, 0.25])
    assert [phone.name for phone in in_time(["m", " ", "p"], [0.1, long, 0.1])] == ["m", SILENCE, "p"]


def test_a_phone_without_duration_is_left_out() -> None:
    assert [phone.name for phone in in_time(["m", "a", "p"], [0.1, 0.0, 0.1])] == ["m", "p"]


def test_each_symbol_needs_a_duration() -> None:
    with pytest.raises(ValueError, match="shorter"):
        in_time(["m", "a"], [0.1])


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ("p ə t ˈ A t ˌ O", [0, 0, 0, 1, 0, 2]),  # misaki: before the vowel
        ("p ə ˈ t A t ˌ O", [0, 0, 0, 1, 0, 2]),  # espeak: before the syllable
        ("P AH0 T EY1 T OW2", [0, 0, 0, 1, 0, 2]),
    ],
)
def test_a_mark_of_stress_is_the_next_vowels(symbols: str, expected: list[int]) -> None:
    assert [phone.stress for phone in phones_of(symbols)] == expected


def phones_of(symbols: str) -> list[Phone]:
    """One after another, of one length."""
    named = symbols.split()
    return in_time(named, [0.1] * len(named))


def test_stress_is_taken_from_how_words_are_spelt() -> None:
    phones = with_stress(phones_of("b ax n ae n ax pau ey t"), phones_of("b ə n ˈ æ n ə ˌ A t"))
    assert [phone.stress for phone in phones] == [0, 0, 0, 1, 0, 0, 0, 2, 0]


def test_vowels_that_are_spelt_otherwise_have_the_stress_of_their_place() -> None:
    phones = phones_of("m ey b iy k ae n")
    marked = with_stress(phones, phones_of("m ˈ eh b ih k ə n"))
    assert [phone.stress for phone in marked] == [0, 1, 0, 0, 0, 0, 0]
    assert with_stress(phones, []) == phones
