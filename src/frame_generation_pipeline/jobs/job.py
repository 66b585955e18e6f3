"""Requests for videos and the state of their jobs, as values."""

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
    """The request for a video: an avatar that says a text, or audio in the job's folder."""

    avatar: str  # its id
    text: str | None = None  # None if it says audio
    format: str = "mp4"  # of FORMATS
    fps: float | None = None  # frames a second; None: the rate of the features
    steady: bool = False  # see `Style`
    loop: str = PINGPONG
    webhook: str | None = None  # address to notify when the job is finished

    def to_json(self) -> str:
        """The request as the JSON that is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str) -> Self:
        """Read the request from the JSON of `to_json`."""
        return cls(**json.loads(stored))


@dataclass(frozen=True)
class Job:
    """One request and its state. Times are Unix times for people; nothing is computed from them."""

    client: str  # name of the client
    request: VideoRequest
    state: State = State.QUEUED
    error: str | None = None  # why it failed, in one line
    seconds: float = 0.0  # of the video; a guess for a text
    size: int = 0  # bytes on the disk; reserved ones until it is finished
    attempts: int = 0  # number of workers that ended during it
    created: float = 0.0
    finished: float | None = None
    id: str = field(default_factory=lambda: f"video_{secrets.token_hex(12)}")
