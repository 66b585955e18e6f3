"""What is to be made and how far it is, as values."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Self

from frame_generation_pipeline.template.loop import PINGPONG

FORMATS = ("mp4", "webm")


class State(StrEnum):
    """How a job stands; the names are those of other video services."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


FINISHED = (State.COMPLETED, State.FAILED)


@dataclass(frozen=True)
class VideoRequest:
    """What somebody wants: an avatar that says a text, or audio that lies in the job's folder."""

    avatar: str  # its id
    text: str | None = None  # None where audio was given
    format: str = "mp4"  # of FORMATS
    fps: float | None = None  # frames a second; None for the features' own
    steady: bool = False  # see `Style`
    loop: str = PINGPONG
    webhook: str | None = None  # address that gets a message when the job is finished

    def to_json(self) -> str:
        """The job as JSON, as it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str) -> Self:
        """The job from what `to_json` gave."""
        return cls(**json.loads(stored))


@dataclass(frozen=True)
class Job:
    """One request and how it stands. Times are Unix times, for people; nothing is computed with them."""

    client: str  # who asked
    request: VideoRequest
    state: State = State.QUEUED
    error: str | None = None  # why it failed, in one line
    seconds: float = 0.0  # of the video; a guess for a text
    size: int = 0  # bytes on the disk; what is set aside until it is finished
    attempts: int = 0  # workers that ended while they were at it
    created: float = 0.0
    finished: float | None = None
    id: str = field(default_factory=lambda: f"video_{secrets.token_hex(12)}")
