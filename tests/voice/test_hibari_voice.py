import hibari  # noqa: F401  # where the extra [say] is missing, these tests are left out
import numpy as np
import pytest

from frame_generation_pipeline.errors import OptionError, TextError
from frame_generation_pipeline.voice.hibari_voice import HibariVoice
from frame_generation_pipeline.voice.protocol import RATE, Voice, spoken_text
from frame_generation_pipeline.voice.settings import VoiceSettings


@pytest.fixture(scope="module")
def voice() -> Voice:
    return HibariVoice()


def test_the_same_text_and_seed_give_the_same_bits(voice: Voice) -> None:
    text = "Hello there. Hello there."
    first, again = ([*spoken_text(voice, text)] for _ in range(2))
    assert [part.tobytes() for part in first] == [part.tobytes() for part in again]
    assert first[0].tobytes() != first[1].tobytes()  # each sentence has noise of its own
    assert 0.5 < len(first[0]) / RATE < 3
    assert 0.05 < np.abs(first[0]).max() <= 1
    other = [*spoken_text(HibariVoice(seed=1), text)]
    assert other[0].tobytes() != first[0].tobytes()


@pytest.mark.parametrize(
    ("text", "place", "named"),
    [
        ("Hello 你好", 6, "line 1, character 7: '你' (CJK UNIFIED IDEOGRAPH-4F60)"),
        ("All is well.\nGood 😀!", 18, "line 2, character 6: '😀' (GRINNING FACE)"),
        ("hello Привет", 6, "CYRILLIC CAPITAL LETTER PE"),
        ("a\x00b", 1, "U+0000"),
        ("a\udcffb", 1, "U+DCFF"),
        ("3 ≠ 4", 2, "NOT EQUAL TO"),
        ("...", 0, "nothing to say"),
        ("", 0, "nothing to say"),
    ],
)
def test_what_cannot_be_spoken_is_named_with_its_place(voice: Voice, text: str, place: int, named: str) -> None:
    with pytest.raises(TextError) as raised:
        voice.check(text)
    assert named in str(raised.value)
    assert raised.value.place == place


@pytest.mark.parametrize(
    "text",
    ["naïve café – “don’t”", "Ŝanĝo", "5 € + 10 °C × ½", "h\u200bi", "e\u0301te\u0301", "ﬁne Ａ", "Widget™ • item"],
)
def test_latin_letters_and_usual_signs_are_spoken(voice: Voice, text: str) -> None:
    sentences = voice.check(text)
    assert sum(len(part) for part in spoken_text(voice, text)) > RATE / 4
    assert len(sentences) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (VoiceSettings("nobody"), "unknown; expected one of heart"),
        (VoiceSettings(speed=9), "expected 0.5 to 2"),
        (VoiceSettings(seed=-1), "expected 0 or more"),
        (VoiceSettings(model="x"), "--tts-model is for an endpoint"),
        (VoiceSettings(url="http://x", seed=1), "--seed is for the voices of hibari-tts"),
        (VoiceSettings(url="file:///etc/passwd"), "expected an address"),
        (VoiceSettings(url="http://me:key@x"), "FRAMEGEN_TTS_KEY"),
    ],
)
def test_impossible_settings_are_refused(settings: VoiceSettings, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        settings.load()


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path_factory.mktemp("voices")))
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("asked the network"))
    with pytest.raises(OptionError, match=r"emma.* is not on this machine .* running hibari Hello --voice emma"):
        HibariVoice("emma")
