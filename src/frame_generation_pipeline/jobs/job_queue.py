"""The queue: takes requests on, gives them to workers, and keeps what they made for a while."""

import logging
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TextIO

from frame_generation_pipeline.errors import FrameGenerationError, OutputError, quoted
from frame_generation_pipeline.files.output import prepare_folder
from frame_generation_pipeline.files.progress import Rate
from frame_generation_pipeline.jobs.job import Job, State
from frame_generation_pipeline.jobs.log_filter import RepeatFilter
from frame_generation_pipeline.jobs.making import Task, video_path
from frame_generation_pipeline.jobs.process import Outcome, Worker, WorkerProcess
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.jobs.store import Delivery, JobStore
from frame_generation_pipeline.jobs.webhooks import Webhooks
from frame_generation_pipeline.voice.settings import VoiceSettings

if sys.platform != "win32":
    import fcntl

logger = logging.getLogger(__name__)
logger.addFilter(RepeatFilter())

TRIES = 3  # workers that may end while they are at one job
PAUSE = 20.0  # seconds until a worker that met a full disk takes a job again
SWEEP = 30.0  # seconds between looks at what is kept too long


class QueueFullError(Exception):
    """Nothing more is taken on for now."""


@dataclass
class Progress:
    """How far a job is that is being made."""

    worker: Worker
    rate: Rate = field(default_factory=Rate)
    done: int = 0  # frames
    total: int = 0  # frames; a guess until a text is spoken; 0 while nothing is known
    unwanted: bool = False  # it was deleted

    @property
    def percent(self) -> int:
        """0 to 99; 100 is for what is complete."""
        return min(99, 100 * self.done // self.total) if self.total else 0

    @property
    def seconds_left(self) -> float | None:
        """As fast as it went so far; None where nothing is known yet."""
        each = self.rate.at(self.done) if self.done else 0.0
        return (self.total - self.done) / each if each > 0 else None


class JobQueue:
    """The jobs of one folder and the threads that have them made. Any thread may call.

    package_of: where an avatar's package is; raises what a job for an unknown avatar fails with.
    describe: a job as webhooks tell it, JSON. worker: makes one; what the settings ask for when not given.

    Raises OutputError for a folder that cannot be written to or that another server works in.
    """

    def __init__(
        self,
        settings: JobSettings,
        package_of: Callable[[str], Path],
        describe: Callable[[Job], str],
        *,
        voice: VoiceSettings = VoiceSettings(),
        worker: Callable[[], Worker] | None = None,
    ) -> None:
        self.settings, self._package_of, self._describe, self._voice = settings, package_of, describe, voice
        prepare_folder(settings.folder)
        self._lock_file = _lock(settings.folder / "lock")
        self.store = JobStore(settings.folder / "jobs.sqlite")
        self._remove_others()
        self._changed = threading.Condition()
        self._open, self._resting = True, False
        self._running: dict[str, Progress] = {}
        self._full_since: dict[str, float] = {}  # when a job met a full disk first, on the monotonic clock
        self._webhooks = Webhooks(self.store, settings)
        worker = worker or partial(WorkerProcess, settings.ray)
        self._workers = [worker() for _ in range(settings.at_once)]
        self._threads = [
            threading.Thread(target=self._serve, args=(one,), name="jobs", daemon=True) for one in self._workers
        ]
        self._threads.append(threading.Thread(target=self._sweep, name="jobs-kept", daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the workers; whoever opens the folder next goes on with what they were at."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for worker in self._workers:
            worker.stop()
        for thread in self._threads:
            thread.join(2.0)
        for worker in self._workers:  # one that was being started
            worker.stop()
        self._webhooks.close()
        self.store.close()
        self._lock_file.close()

    def rest(self, resting: bool) -> None:
        """Make no frames until further notice, or go on."""
        if resting != self._resting:
            self._resting = resting
            for worker in self._workers:
                worker.rest(resting)

    def folder(self, job_id: str) -> Path:
        """The folder that holds everything of a job."""
        return self.settings.folder / job_id

    def video(self, job: Job) -> Path:
        """Where the video of a completed job is."""
        return video_path(self.folder(job.id), job.request)

    def progress(self, job_id: str) -> Progress | None:
        """How far it is; None while nobody is at it."""
        return self._running.get(job_id)

    def check_room(self, size: int) -> None:
        """Raise QueueFullError where `size` more bytes on the disk, or one more job, are too much."""
        if self.store.count(State.QUEUED) >= self.settings.most_waiting:
            raise QueueFullError(f"{self.settings.most_waiting} jobs wait already")
        if self.store.size() + size > self.settings.disk:
            raise QueueFullError("the disk that jobs may take is taken; delete videos, or wait until they are old")

    def submit(self, job: Job, digest: str, key: str | None, incoming: Path | None) -> Job:
        """Take a job on; incoming: a folder that becomes the job's. Returns the job that its key stands for.

        Raises QueueFullError, KeyUsedError, OutputError.
        """
        self.check_room(job.size)
        folder = self.folder(job.id)
        try:
            if incoming is None:
                folder.mkdir()
            else:
                incoming.replace(folder)
        except OSError as error:
            raise OutputError(f"the job cannot be kept ({error.strerror}); try again later") from error
        kept = None
        try:
            kept = self.store.add(job, digest, key)
        finally:
            if kept is not job:
                shutil.rmtree(folder, ignore_errors=True)
        with self._changed:
            self._changed.notify_all()
        return kept

    def delete(self, job: Job) -> None:
        """Forget a job and what was made for it; where it is being made, that ends."""
        if not self.store.delete(job.id):
            return
        with self._changed:
            running = self._running.get(job.id)
            if running is not None:
                running.unwanted = True
                running.worker.stop()
                return  # whoever was at it removes the folder
        shutil.rmtree(self.folder(job.id), ignore_errors=True)

    def _serve(self, worker: Worker) -> None:
        """Make videos one after another."""
        while self._open:
            try:
                progress = Progress(worker)
                job = self._claim(progress)
                if job is not None:
                    outcome = self._make(job, progress)
                    self._conclude(job, outcome, progress)
                    if outcome.again and not outcome.died:
                        self._wait(PAUSE)
            except sqlite3.Error as error:
                if self._open:
                    logger.warning("the jobs' database: %s; jobs wait", quoted(error))
                    self._wait(1.0)

    def _claim(self, progress: Progress) -> Job | None:
        with self._changed:
            if not self._open:
                return None
            job = self.store.claim()
            if job is None:
                self._changed.wait(SWEEP)
                return None
            self._running[job.id] = progress
            return job

    def _make(self, job: Job, progress: Progress) -> Outcome:
        def report(done: int, total: int) -> None:
            progress.rate.at(done)
            progress.done, progress.total = done, total

        if not self._open or progress.unwanted:
            return Outcome(died=True)
        try:
            task = Task(self.folder(job.id), self._package_of(job.request.avatar), job.request, self._voice)
            return progress.worker.run(task, report)
        except FrameGenerationError as error:
            return Outcome(error=quoted(error))
        except OSError as error:
            return Outcome(error=f"no worker can be started ({error.strerror})", again=True)

    def _conclude(self, job: Job, outcome: Outcome, progress: Progress) -> None:
        """Keep what came of a job; where the database is not to be had, until it is."""
        while True:
            try:
                return self._record(job, outcome, progress)
            except sqlite3.Error as error:
                if not self._open:
                    return
                logger.warning("%s: the jobs' database: %s; it is tried again", job.id, quoted(error))
                self._wait(1.0)

    def _record(self, job: Job, outcome: Outcome, progress: Progress) -> None:
        if not progress.unwanted and self._open:
            attempts = job.attempts + outcome.died
            if attempts < TRIES if outcome.died else outcome.again and self._may_wait(job):
                logger.warning("%s: %s; it is tried again", job.id, outcome.error)
                self.store.give_back(job.id, attempts=attempts)
            else:
                self._full_since.pop(job.id, None)
                self._finish(job, outcome)
        with self._changed:
            self._running.pop(job.id, None)
            self._changed.notify_all()
        if progress.unwanted:
            self._full_since.pop(job.id, None)
            shutil.rmtree(self.folder(job.id), ignore_errors=True)

    def _may_wait(self, job: Job) -> bool:
        """Whether a job that met a full disk waits for room, at most as long as finished ones stay."""
        now = time.monotonic()
        return now - self._full_since.setdefault(job.id, now) < self.settings.keep

    def _finish(self, job: Job, outcome: Outcome) -> None:
        state = State.FAILED if outcome.size is None else State.COMPLETED
        if state is State.FAILED:
            logger.warning("%s: failed: %s", job.id, outcome.error)
            shutil.rmtree(self.folder(job.id), ignore_errors=True)
        done = replace(job, state=state, error=outcome.error, size=outcome.size or 0, finished=time.time())
        delivery = None
        if job.request.webhook is not None:
            delivery = Delivery(f"{job.id}.{state}", job.request.webhook, self._describe(done), 0)
        self.store.finish(done, delivery)
        self._webhooks.look()

    def _sweep(self) -> None:
        last = time.monotonic()
        while self._open:
            self._wait(SWEEP)
            now = time.monotonic()
            with suppress(sqlite3.Error):  # the next sweep counts this time too
                for job_id in self.store.grow_old(now - last, self.settings.keep):
                    shutil.rmtree(self.folder(job_id), ignore_errors=True)
                last = now

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            while self._open and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def _remove_others(self) -> None:
        """Remove what requests left that were never taken on, or forgotten while their folder was there."""
        known = self.store.ids()
        for path in self.settings.folder.iterdir():
            if path.is_dir() and path.name not in known:
                shutil.rmtree(path, ignore_errors=True)


def _lock(path: Path) -> TextIO:
    """The open file whose lock says that a server works here."""
    file = path.open("w")
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise OutputError(
                f"{path.parent}: another server keeps its jobs here; end it, or give --jobs another folder"
            ) from error
    return file
