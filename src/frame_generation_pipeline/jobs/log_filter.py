"""Keep trouble that lasts to one line in the log."""

import logging
import threading
import time

SILENCE = 60.0  # seconds without a line after which it is news again


class RepeatFilter(logging.Filter):
    """Drops a line that a logger was given within the last `SILENCE` seconds, as a full disk gives it at each try."""

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[str, float] = {}  # when, on the monotonic clock, by line
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is news."""
        line, now = record.getMessage(), time.monotonic()
        with self._lock:
            self._given = {known: when for known, when in self._given.items() if now - when < SILENCE}
            news = line not in self._given
            self._given[line] = now
        return news
