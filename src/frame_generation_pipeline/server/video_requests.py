"""Check a client's request for a video, before it becomes a job."""

import asyncio
import hashlib
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from frame_generation_pipeline.errors import FrameGenerationError, OutputError
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.jobs.job import FORMATS, Job, VideoRequest
from frame_generation_pipeline.jobs.job_queue import JobQueue, QueueFullError
from frame_generation_pipeline.jobs.making import AUDIO
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.jobs.store import KeyUsedError
from frame_generation_pipeline.jobs.webhooks import check_url
from frame_generation_pipeline.media.audio_reader import probe_audio
from frame_generation_pipeline.package.manifest import Manifest
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.video_views import VideoForm
from frame_generation_pipeline.template.loop import CROSSFADE, PINGPONG

SLOWEST_UPLOAD = 900.0  # seconds
LONGEST_KEY = 200  # characters
SECONDS_A_CHARACTER = 0.07  # of speech, at most about
BYTES_A_PIXEL = 1.0  # and second of video, in all that lies there while it is made


async def receive(request: Request, folder: Path) -> VideoForm:
    """Read the fields of a form, and write its audio into `folder`. Raises Problem, RequestValidationError."""
    try:
        async with asyncio.timeout(SLOWEST_UPLOAD), request.form(max_files=1, max_fields=20) as form:
            fields: dict[str, Any] = {}
            for name, value in form.multi_items():
                if name in fields or name not in VideoForm.model_fields:
                    raise Problem(422, "invalid", f"form.{name[:40]!r}: is unknown, or there twice")
                fields[name] = value
            audio = fields.pop("audio", None)
            if isinstance(audio, UploadFile):
                await asyncio.to_thread(_keep, audio, folder / AUDIO)
            elif audio is not None:
                raise Problem(422, "invalid", "form.audio: expected a file")
            if any(isinstance(value, UploadFile) for value in fields.values()):
                raise Problem(422, "invalid", "form: only audio may be a file")
    except ClientDisconnect as error:
        raise Problem(400, "cut_off", "the upload ended before its end") from error
    except TimeoutError as error:
        raise Problem(408, "too_slow", f"the upload took more than {SLOWEST_UPLOAD:.0f} s") from error
    try:
        return VideoForm(**fields)
    except ValidationError as error:
        raise RequestValidationError([{**found, "loc": ("form", *found["loc"])} for found in error.errors()]) from error


def _keep(audio: UploadFile, path: Path) -> None:
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(audio.file, file)
    except OSError as error:
        raise OutputError(f"the audio cannot be kept ({error.strerror}); try again later") from error


def checked(form: VideoForm, audio: Path, service: Service, settings: JobSettings) -> tuple[VideoRequest, float]:
    """The request, and how many seconds its video lasts, about.

    Raises Problem, and TextError, OptionError of what cannot be said or done.
    """
    manifest = service.catalogue.package(form.avatar).manifest
    if "audio" not in manifest.programs:
        raise Problem(422, "mute_avatar", f"the avatar {form.avatar!r} has no audio program; choose another one")
    if form.avatar in service.catalogue.foreign:
        raise Problem(422, "foreign_avatar", f"the avatar {form.avatar!r} was made by others; it speaks live alone")
    for name, value, known in (("format", form.format, FORMATS), ("loop", form.loop, (PINGPONG, CROSSFADE))):
        if value not in known:
            raise Problem(422, "invalid", f"form.{name}: expected one of {', '.join(known)}")
    if form.webhook is not None:
        check_url(form.webhook, settings.webhook_hosts)
    if (form.text is None) == (not audio.exists()):
        raise Problem(422, "invalid", "form: expected one of text and audio")
    if form.text is None:
        try:
            seconds = probe_audio(audio).duration
        except FrameGenerationError as error:
            raise Problem(400, "bad_audio", str(error).replace(str(audio), "the audio")) from error
    elif len(form.text) > settings.longest_text:
        raise Problem(413, "too_long", f"the text has more than {settings.longest_text} characters")
    else:
        service.voice.load().check(form.text)
        seconds = len(form.text) * SECONDS_A_CHARACTER
    if seconds > settings.longest:
        raise Problem(413, "too_long", f"the video would last more than {settings.longest:.0f} s")
    wanted = {name: getattr(form, name) for name in ("avatar", "text", "format", "fps", "steady", "loop", "webhook")}
    return VideoRequest(**wanted), seconds


async def take_on(
    request: Request, client: str, key: str | None, service: Service, queue: JobQueue
) -> tuple[Job, bool]:
    """The job that a request asks for, and whether it is a new one. Raises what the above do, Problem, OutputError."""
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Problem(422, "invalid", f"idempotency-key: expected 1 to {LONGEST_KEY} printable characters of ASCII")
    try:
        queue.check_room(0)  # before anything is uploaded
        incoming = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="incoming-", dir=queue.settings.folder))
    except QueueFullError as error:
        raise full(error) from error
    except OSError as error:
        raise OutputError(f"the job cannot be kept ({error.strerror}); try again later") from error
    try:
        form = await receive(request, incoming)
        return await asyncio.to_thread(_submit, form, incoming, client, key, service, queue)
    finally:
        with suppress(OSError):
            await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)


def _submit(
    form: VideoForm, incoming: Path, client: str, key: str | None, service: Service, queue: JobQueue
) -> tuple[Job, bool]:
    wanted, seconds = checked(form, incoming / AUDIO, service, queue.settings)
    digest = hashlib.sha256(wanted.to_json().encode())
    size = 0
    if wanted.text is None:
        digest.update(file_digest(incoming / AUDIO).encode())
        size = (incoming / AUDIO).stat().st_size
    size += int(seconds * _pixels(service.catalogue.package(wanted.avatar).manifest) * BYTES_A_PIXEL)
    job = Job(client, wanted, seconds=seconds, size=size, created=time.time())
    try:
        kept = queue.submit(job, digest.hexdigest(), key, incoming)
    except QueueFullError as error:
        raise full(error) from error
    except KeyUsedError as error:
        raise Problem(409, "key_used", "this idempotency key stands for another request; choose a new one") from error
    return kept, kept is job


def _pixels(manifest: Manifest) -> int:
    return manifest.frame.width * manifest.frame.height


def full(error: QueueFullError) -> Problem:
    """The answer if the queue takes no more jobs."""
    return Problem(503, "full", str(error), {"retry-after": "60"})
