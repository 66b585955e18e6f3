import pytest
from hypothesis import given
from hypothesis import strategies as st

from frame_generation_pipeline.voice.sentences import LONGEST, place_of, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you?  Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ('He said "Go!" and left. "Stop." She ran.', ['He said "Go!" and left.', '"Stop."', "She ran."]),
        ("Dr. Smith met J. K. Rowling, e.g. on Monday.", ["Dr. Smith met J. K. Rowling, e.g. on Monday."]),
        ("A title\n\nA text without an end\r\nand more", ["A title", "A text without an end", "and more"]),
        (
            "The U.S. Army took approx. 5. At 7:30 p.m. it left.",
            ["The U.S. Army took approx. 5.", "At 7:30 p.m. it left."],
        ),
        ("Version 3.11 costs $4.50. Yes", ["Version 3.11 costs $4.50.", "Yes"]),
        ("你好。再见！", ["你好。", "再见！"]),
        (" \n . ", ["."]),
        ("", []),
    ],
)
def test_sentences_end_where_readers_say_so(text: str, sentences: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(text)] == sentences


def test_long_sentences_are_cut_after_clauses_or_words() -> None:
    text = "first part " * 15 + "ends, " + "second part " * 30 + "x" * 600
    parts = split_sentences(text)
    assert parts[0].text.endswith("ends,")
    assert max(len(part.text) for part in parts) == LONGEST
    assert all(part.text.endswith("part") for part in parts[1:2])


@given(st.text(alphabet="aB .!?,\n。\u3000\"”'x", max_size=600))
def test_no_character_is_lost_and_places_are_right(text: str) -> None:
    sentences = split_sentences(text)
    assert "".join("".join(sentence.text.split()) for sentence in sentences) == "".join(text.split())
    for sentence in sentences:
        assert text[sentence.place :].startswith(sentence.text)
        assert 0 < len(sentence.text) <= LONGEST


def test_places_are_lines_and_characters() -> None:
    assert place_of("ab", 0) == "line 1, character 1"
    assert place_of("ab\ncd", 4) == "line 2, character 2"
    assert place_of("ab\r\n\r\nc", 6) == "line 3, character 1"
