"""Options of how jobs are kept and made."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from frame_generation_pipeline.errors import OptionError

SECRET = "FRAMEGEN_WEBHOOK_SECRET"  # the environment variable that webhooks are signed with
LEAST_SECRET = 16  # characters


@dataclass(frozen=True)
class JobSettings:
    """The folder of the jobs, how many are made at once and how long they are kept."""

    folder: Path  # of the queue and the videos; one server at a time works in it
    at_once: int = 1  # videos that are made at the same time, each in a process of its own
    disk: int = 10 * 10**9  # bytes that all jobs may take; beyond it none is taken on
    keep: float = 24 * 3600.0  # seconds for which a finished job is kept, counted while the server runs
    most_waiting: int = 5000  # jobs in the queue
    ray: str | None = None  # HOST:PORT of a Ray cluster whose nodes make the videos; None: this machine does
    longest: float = 3600.0  # seconds of audio of one job
    longest_text: int = 50_000  # characters of one job
    webhook_hosts: frozenset[str] = frozenset()  # names and addresses that webhooks may go to
    webhook_secret: str = ""

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise OptionError(f"--jobs-at-once {self.at_once}: give 1 or more")
        if self.ray is not None and not re.fullmatch(r"\S+:[0-9]{1,5}", self.ray):
            raise OptionError(f"--ray {self.ray}: expected HOST:PORT of a Ray cluster, such as 10.0.0.1:6379")
        if self.disk <= 0 or self.keep <= 0:
            raise OptionError("--jobs-disk and --jobs-keep: give more than 0")
        if self.webhook_hosts and len(self.webhook_secret) < LEAST_SECRET:
            raise OptionError(
                f"webhooks are signed; put a secret of at least {LEAST_SECRET} characters into the variable {SECRET}"
            )


def default_folder(port: int) -> Path:
    """The default folder of the jobs of a server on `port`, among the user's data."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "framegen" / f"jobs-{port}"
