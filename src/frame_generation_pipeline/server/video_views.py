"""A job as the API shows it."""

import json
from typing import Any

from pydantic import BaseModel, Field

from frame_generation_pipeline.jobs.job import FORMATS, Job, State
from frame_generation_pipeline.jobs.job_queue import Progress
from frame_generation_pipeline.template.loop import CROSSFADE, PINGPONG


class VideoView(BaseModel):
    """A video that is asked for, being made or there."""

    id: str
    object: str = "video"
    status: State
    progress: int  # percent
    seconds_left: float | None  # as fast as it goes; None while nothing is known, and when it is finished
    avatar: str
    seconds: float  # of the video; a guess for a text until it is spoken
    created_at: int  # Unix time, seconds
    completed_at: int | None  # when it was completed or failed
    error: str | None  # why it failed, in one line
    size: int | None  # bytes of the video
    content: str | None  # path of the video


class VideosView(BaseModel):
    """Some of a client's videos, the newest first."""

    data: list[VideoView]
    has_more: bool
    enabled: bool = True  # whether this server makes videos


class VideoForm(BaseModel):
    """What is asked for: one of `text` and `audio`, and how the video shall be."""

    text: str | None = Field(None, description="What is said.")
    audio: bytes | None = Field(
        None, description="An audio file of any kind, or a video's audio.", json_schema_extra={"format": "binary"}
    )
    avatar: str = Field("presenter", description="An id of /v1/avatars.")
    format: str = Field(FORMATS[0], json_schema_extra={"enum": list(FORMATS)})
    fps: float | None = Field(None, ge=1, le=60, description="Frames a second; by default the avatar's own.")
    steady: bool = Field(False, description="Average flicker of the mouth with the neighbouring frames.")
    loop: str = Field(PINGPONG, json_schema_extra={"enum": [PINGPONG, CROSSFADE]})
    webhook: str | None = Field(None, description="Address that is told when the video is finished.")


def view(job: Job, progress: Progress | None) -> VideoView:
    """The job, and how far it is where somebody is at it."""
    completed = job.state is State.COMPLETED
    running = progress if job.state is State.IN_PROGRESS else None
    left = None if running is None else running.seconds_left
    return VideoView(
        id=job.id,
        status=job.state,
        progress=100 if completed else 0 if running is None else running.percent,
        seconds_left=None if left is None else round(left, 1),
        avatar=job.request.avatar,
        seconds=round(job.seconds, 2),
        created_at=int(job.created),
        completed_at=None if job.finished is None else int(job.finished),
        error=job.error,
        size=job.size if completed else None,
        content=f"/v1/videos/{job.id}/content" if completed else None,
    )


def webhook_body(job: Job) -> str:
    """The body of a finished job's webhook."""
    event: dict[str, Any] = {"type": f"video.{job.state}", "data": view(job, None).model_dump(mode="json")}
    return json.dumps(event)
