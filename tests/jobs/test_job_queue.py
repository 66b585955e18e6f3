"""The queue with workers that do what a test tells them: what they meet is met again, or told in one line."""

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.jobs import job_queue
from frame_generation_pipeline.jobs.attempt import _passing
from frame_generation_pipeline.jobs.job import Job, State, VideoRequest
from frame_generation_pipeline.jobs.job_queue import JobQueue
from frame_generation_pipeline.jobs.making import Task
from frame_generation_pipeline.jobs.process import Outcome
from frame_generation_pipeline.jobs.settings import JobSettings

DIED = Outcome(error="the worker ended with status -9", again=True, died=True)
FULL = Outcome(error="video.mp4: cannot be written (No space left on device)", again=True)


class ScriptedWorker:
    """A worker of given outcomes; after them every video is there."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes, self.tasks = list(outcomes), list[Task]()

    def run(self, task: Task, progress: Progress) -> Outcome:
        self.tasks.append(task)
        progress(1, 2)
        if self.outcomes:
            return self.outcomes.pop(0)
        task.video.write_bytes(b"video")
        return Outcome(size=5)

    def rest(self, resting: bool) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., JobQueue]]:
    """`start(worker, keep=...)` opens the queue in one folder."""
    monkeypatch.setattr(job_queue, "PAUSE", 0.05)
    opened: list[JobQueue] = []

    def start(worker: ScriptedWorker, keep: float = 3600.0) -> JobQueue:
        settings = JobSettings(tmp_path / "jobs", keep=keep)
        opened.append(JobQueue(settings, lambda avatar: tmp_path / avatar, lambda job: "{}", worker=lambda: worker))
        return opened[-1]

    yield start
    for queue in opened:
        queue.close()


def ended(queue: JobQueue, job: Job) -> Job:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        current = queue.store.get(job.id)
        assert current is not None
        if current.state in (State.COMPLETED, State.FAILED):
            return current
        time.sleep(0.01)
    pytest.fail(f"{current} does not end")


def submit(queue: JobQueue) -> Job:
    return queue.submit(Job("me", VideoRequest("may", "Hi."), created=time.time()), "d", None, None)


def test_a_full_disk_is_tried_again(start: Callable[..., JobQueue], caplog: pytest.LogCaptureFixture) -> None:
    queue = start(worker := ScriptedWorker(*[FULL] * 5))
    job = ended(queue, submit(queue))
    assert (job.state, job.attempts, job.size) == (State.COMPLETED, 0, 5)
    assert queue.video(job).read_bytes() == b"video"
    assert [record.message for record in caplog.records] == [f"{job.id}: {FULL.error}; it is tried again"]
    assert len(worker.tasks) == 6


def test_a_disk_that_stays_full_fails_jobs_in_the_end(start: Callable[..., JobQueue]) -> None:
    queue = start(ScriptedWorker(*[FULL] * 100), keep=0.1)
    job = ended(queue, submit(queue))
    assert (job.state, job.error) == (State.FAILED, FULL.error)


def test_what_fails_again_and_again_fails_in_one_line(start: Callable[..., JobQueue]) -> None:
    queue = start(ScriptedWorker(DIED, DIED, DIED, Outcome(error="the audio is none")))
    for expected in (DIED.error, "the audio is none"):
        job = ended(queue, submit(queue))
        assert (job.state, job.error) == (State.FAILED, expected)
        assert not queue.folder(job.id).exists()


def test_a_locked_database_loses_nothing(
    start: Callable[..., JobQueue], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("frame_generation_pipeline.jobs.store.PATIENCE", 0.05)
    queue = start(ScriptedWorker())
    other = sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite", isolation_level=None, check_same_thread=False)
    finish = queue.store.finish

    def locked(*arguments: object) -> None:  # in the very moment in which the video is there
        monkeypatch.setattr(queue.store, "finish", finish)
        other.execute("begin immediate")
        queue.store.finish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(queue.store, "finish", locked)
    job = submit(queue)
    until = time.monotonic() + 20
    while not other.in_transaction and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    current = queue.store.get(job.id)  # reading goes on
    assert current is not None
    assert current.state is State.IN_PROGRESS
    with pytest.raises(sqlite3.OperationalError):
        submit(queue)
    other.execute("rollback")
    other.close()
    assert ended(queue, job).state is State.COMPLETED
    assert {path.name for path in queue.settings.folder.iterdir() if path.is_dir()} == {job.id}


def test_the_order_does_not_depend_on_the_clock(
    start: Callable[..., JobQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = start(worker := ScriptedWorker())
    jobs = []
    for hour in (3, 2, 1):
        monkeypatch.setattr("time.time", lambda: 3600.0 * hour)  # noqa: B023  # it is set back
        jobs.append(submit(queue))
    for job in jobs:
        ended(queue, job)
    assert [task.folder.name for task in worker.tasks] == [job.id for job in jobs]
    assert [job.id for job in queue.store.page("me", 9)] == [job.id for job in reversed(jobs)]


def test_one_server_works_in_a_folder(start: Callable[..., JobQueue]) -> None:
    start(ScriptedWorker())
    with pytest.raises(OutputError, match="another server keeps its jobs here"):
        start(ScriptedWorker())


def test_what_passes_is_told_from_what_stays() -> None:
    error = OutputError("cannot be written")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert _passing(error)
    assert not _passing(OutputError("unknown suffix"))
