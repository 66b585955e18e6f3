import logging

import pytest

from frame_generation_pipeline.jobs.log_filter import SILENCE, RepeatFilter


def test_a_line_that_comes_again_and_again_is_news_once_and_after_a_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    repeats, now = RepeatFilter(), 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def is_news(line: str) -> bool:
        return bool(repeats.filter(logging.makeLogRecord({"msg": "%s: full", "args": (line,)})))

    assert [is_news("a"), is_news("b"), is_news("a")] == [True, True, False]
    now = SILENCE - 1
    assert not is_news("a")  # it lasts
    now = 2 * SILENCE - 2
    assert [is_news("a"), is_news("b")] == [False, True]
    now = 4 * SILENCE
    assert is_news("a")
