from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.presenter.phones import KNOWN, SILENCE, Phone
from studio.presenter.recorded import ENGLISH, arpabet_of, recorded


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A sentence of 0.8 s, as the voice of `festvox-ru` has them."""
    for name in ("wav", "lab"):
        (tmp_path / name).mkdir()
    soundfile.write(tmp_path / "wav" / "ru_0001.wav", np.zeros(12_800, np.float32), 16_000, subtype="PCM_16")
    (tmp_path / "lab" / "ru_0001.lab").write_text("#\n0.2 125 pau\n0.3 125 mm\n0.5 125 aa\n0.7 125 ay\n")
    return tmp_path


def test_phones_are_from_where_the_last_one_ends(voice: Path) -> None:
    (utterance,) = recorded(voice)
    assert utterance.phones == [
        Phone(SILENCE, 0.0, 0.2), Phone("m", 0.2, 0.3), Phone("aa", 0.3, 0.5, 1), Phone("ax", 0.5, 0.7),
        Phone(SILENCE, 0.7, 0.8),
    ]  # fmt: skip
    assert (len(utterance.audio), utterance.rate) == (12_800, 16_000)


def test_each_phone_is_one_that_rules_know() -> None:
    consonants = "b bb ch d dd f ff g gg hh k kk l ll m mm n nn p pp r rr s sh ss t tt v vv z zh zz"
    assert {arpabet_of(name) for name in [*ENGLISH, *consonants.split()]} <= KNOWN | {SILENCE}
    assert [arpabet_of(name) for name in ("pp", "hh", "ch", "ii", "i")] == ["p", "k", "ch", "iy", "ih"]


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no recordings in wav"):
        list(recorded(tmp_path))
