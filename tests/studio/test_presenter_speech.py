from pathlib import Path

import numpy as np
import pytest

from studio.presenter import idle
from studio.presenter.phones import SILENCE, Phone
from studio.presenter.speech import AUDIO, UTTERANCES, perform, speak
from studio.presenter.timing import SAMPLES
from studio.presenter.voices import HELD_OUT, Utterance, mixtures


def utterance(vowel: str, stress: int = 0) -> Utterance:
    """A vowel between silences, 0.5 s: 12.5 frames, which become 13."""
    phones = [Phone(SILENCE, 0.0, 0.1), Phone(vowel, 0.1, 0.4, stress), Phone(SILENCE, 0.4, 0.5)]
    audio = 0.1 * np.sin(np.arange(8000) / 5).astype(np.float32)
    return Utterance(audio, 16000, phones, "tone", vowel)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    speak([utterance("aa", 1), utterance("uw")], tmp_path / "speech")
    return tmp_path / "speech"


def test_each_frame_has_a_state_a_phone_and_articulators(folder: Path) -> None:
    performed = perform(folder, 3)
    assert len(performed.states) == len(performed.phones) == 26
    assert {len(values) for values in performed.moves.values()} == {26}
    assert (performed.phones[6], performed.phones[19]) == ("aa", "uw")
    assert performed.moves["jaw"][6] > performed.moves["jaw"][19]
    assert performed.moves["round"][19] > performed.moves["round"][6]
    assert (folder / AUDIO).stat().st_size == 44 + 2 * 26 * SAMPLES


def test_what_was_said_is_not_said_again(folder: Path) -> None:
    before = (folder / UTTERANCES).read_bytes()
    speak([utterance("iy")], folder)
    assert (folder / UTTERANCES).read_bytes() == before


def test_motion_repeats_beneath_long_speech(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "LONGEST", 10)
    speak([utterance("aa")] * 5, folder.parent / "long")  # 65 frames, and motion of 60
    states = perform(folder.parent / "long", 3).states
    assert len(states) == 65
    assert [state.shift for state in states[60:]] == [state.shift for state in states[:5]]
    assert states[61].shift != states[2].shift


def test_the_stress_of_a_phone_is_kept(folder: Path, tmp_path: Path) -> None:
    speak([utterance("aa", 0), utterance("uw")], tmp_path / "other")
    stressed, other = (perform(path, 3).moves["jaw"][6] for path in (folder, tmp_path / "other"))
    assert stressed > 1.2 * other


def test_a_mixture_is_of_two_voices_that_are_not_held_out(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    for name in ("af_sky", "bm_lewis", "zf_xiaoyi", *(name.removeprefix("kokoro-") for name in HELD_OUT)):
        (tmp_path / "voices" / f"{name}.bin").touch()
    mixed = mixtures(tmp_path, np.random.default_rng(0))
    assert sorted(mixed) == ["kokoro-af_sky+bm_lewis", "kokoro-af_sky+zf_xiaoyi", "kokoro-bm_lewis+zf_xiaoyi"]
    with pytest.raises(SystemExit, match="--kokoro"):
        mixtures(None, np.random.default_rng(0))
