"""`/v1/videos`: videos that are made one after another, for whoever wants a file."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from frame_generation_pipeline.jobs.job import FINISHED, Job, State
from frame_generation_pipeline.jobs.job_queue import JobQueue
from frame_generation_pipeline.server.problems import Problem, problems
from frame_generation_pipeline.server.service import ClientOf, Service, ServiceOf
from frame_generation_pipeline.server.tokens import Client
from frame_generation_pipeline.server.video_requests import take_on
from frame_generation_pipeline.server.video_views import VideoForm, VideosView, VideoView, view

router = APIRouter(prefix="/v1/videos", tags=["videos"])

LOOK_EVERY = 0.25  # seconds, for those who are sent events
SILENCE = 15.0  # seconds after which a line shows that the connection lives
CONTENT = {"description": "The video", "content": {"video/mp4": {}, "video/webm": {}}}
FORM = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": VideoForm.model_json_schema(mode="validation")}},
    }
}


@router.post(
    "",
    status_code=202,
    response_model=VideoView,
    responses={200: {"description": "Asked for before", "model": VideoView}, **problems(400, 404, 408, 409, 413, 503)},
    openapi_extra=FORM,
)
async def create_video(
    request: Request,
    response: Response,
    service: ServiceOf,
    client: ClientOf,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> VideoView:
    """Have an avatar say a text or audio; the same idempotency key and content stand for the same video."""
    queue = _queue(service, client)
    job, new = await take_on(request, client.name, idempotency_key, service, queue)
    response.headers["location"] = f"/v1/videos/{job.id}"
    if not new:
        response.status_code = 200
    return view(job, queue.progress(job.id))


@router.get("", responses=problems(404))
def list_videos(
    service: ServiceOf,
    client: ClientOf,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> VideosView:
    """List your videos, the newest first; `after` is the last id of the page before."""
    if service.jobs is None:
        return VideosView(data=[], has_more=False, enabled=False)
    queue = _queue(service, client)
    found = queue.store.page(client.name, limit + 1, after)
    return VideosView(data=[view(job, queue.progress(job.id)) for job in found[:limit]], has_more=len(found) > limit)


@router.get("/{video_id}", responses=problems(404))
def get_video(video_id: str, service: ServiceOf, client: ClientOf) -> VideoView:
    """Get how a video stands."""
    queue = _queue(service, client)
    return view(_job(video_id, queue, client), queue.progress(video_id))


@router.get("/{video_id}/content", response_class=FileResponse, responses={200: CONTENT, **problems(404, 409, 416)})
@router.head("/{video_id}/content", response_class=FileResponse, include_in_schema=False)
def get_content(video_id: str, service: ServiceOf, client: ClientOf) -> FileResponse:
    """Get a completed video, or ranges of its bytes."""
    queue = _queue(service, client)
    job = _job(video_id, queue, client)
    path = queue.video(job)
    if job.state is not State.COMPLETED:
        raise Problem(409, "not_completed", f"the video is {job.state}; ask again when it is completed")
    if not path.is_file():
        raise Problem(404, "lost", "the video's file is gone")
    name = f"{job.request.avatar}-{job.id[-6:]}.{job.request.format}"
    return FileResponse(path, media_type=f"video/{job.request.format}", filename=name)


@router.get(
    "/{video_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}, **problems(404)},
)
async def get_events(video_id: str, service: ServiceOf, client: ClientOf) -> StreamingResponse:
    """Be sent how the video stands, as events named by its status, each time that changes; the last is its end."""
    queue = _queue(service, client)
    job = await asyncio.to_thread(_job, video_id, queue, client)
    return StreamingResponse(_events(job, queue), media_type="text/event-stream")


@router.delete("/{video_id}", status_code=204, responses=problems(404))
def delete_video(video_id: str, service: ServiceOf, client: ClientOf) -> None:
    """Delete a video, or end making it."""
    queue = _queue(service, client)
    queue.delete(_job(video_id, queue, client))


async def _events(job: Job | None, queue: JobQueue) -> AsyncIterator[str]:
    shown, quiet = "", 0.0
    while job is not None:
        now = view(job, queue.progress(job.id)).model_dump(mode="json")
        event = f"event: {job.state}\ndata: {json.dumps(now)}\n\n"
        if event != shown:
            yield event
            shown, quiet = event, 0.0
        elif quiet >= SILENCE:
            yield ": still there\n\n"
            quiet = 0.0
        if job.state in FINISHED:
            return
        await asyncio.sleep(LOOK_EVERY)
        quiet += LOOK_EVERY
        try:
            job = await asyncio.to_thread(queue.store.get, job.id)
        except sqlite3.Error:  # locked, or the server ends
            return
    yield "event: deleted\ndata: {}\n\n"


def _queue(service: Service, client: Client) -> JobQueue:
    if service.jobs is None:
        raise Problem(404, "no_jobs", "this server makes no videos as jobs")
    if client.session is not None:
        raise Problem(403, "foreign_token", "a session's token is good for that session alone")
    return service.jobs


def _job(video_id: str, queue: JobQueue, client: Client) -> Job:
    """The client's job. Raises Problem 404 also for those of others."""
    job = queue.store.get(video_id)
    if job is None or job.client != client.name:
        raise Problem(404, "no_such_video", f"there is no video {video_id[:100]!r}")
    return job
