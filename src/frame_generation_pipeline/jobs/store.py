"""Jobs in a SQLite database, which outlives `kill -9` at any moment."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.jobs.job import FINISHED, Job, State, VideoRequest

VERSION = 1  # of the tables
PATIENCE = 5.0  # seconds that a locked database is waited for
SCHEMA = """
create table jobs (
    number integer primary key autoincrement,  -- the order in which they were asked for, whatever the clock says
    id text not null unique,
    client text not null,
    key text,  -- by which the client may ask again for the same job
    digest text not null,  -- of all that was asked with that key
    request text not null,
    state text not null,
    error text,
    seconds real not null,
    size integer not null,
    attempts integer not null,
    created real not null,
    finished real,
    age real not null default 0,  -- seconds since it was finished, counted while a server ran
    unique (client, key)
);
create index jobs_by_state on jobs (state, number);
create table deliveries (id text primary key, url text not null, body text not null, attempts integer not null);
"""
COLUMNS = "client, request, state, error, seconds, size, attempts, created, finished, id"


class KeyUsedError(Exception):
    """The client's key stands for another request."""


@dataclass(frozen=True)
class Delivery:
    """A webhook that nobody has received yet."""

    id: str
    url: str
    body: str  # JSON
    attempts: int


class JobStore:
    """The jobs of one folder. Any thread may call; raises sqlite3.OperationalError where the database is not to be had.

    Raises OutputError at construction for a file that is no such database, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = full")
            with self._change() as database:
                (version,) = database.execute("pragma user_version").fetchone()
                if not version:
                    for statement in SCHEMA.split(";\n"):
                        database.execute(statement)
                    database.execute(f"pragma user_version = {VERSION}")
                elif version != VERSION:
                    raise OutputError(f"{path}: is of another version ({version}); choose another folder for the jobs")
                # Whoever was at them is gone.
                database.execute("update jobs set state = ? where state = ?", (State.QUEUED, State.IN_PROGRESS))
        except sqlite3.Error as error:
            raise OutputError(f"{path}: expected the jobs' database ({error}); choose another folder") from error

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def add(self, job: Job, digest: str, key: str | None = None) -> Job:
        """Keep a job; where the client's key is known, the job that it stands for is returned instead.

        Raises KeyUsedError where that was another request.
        """
        with self._change() as database:
            if (known := self.of_key(job.client, key, digest)) is not None:
                return known
            values = (job.client, job.request.to_json(), job.state, job.error, job.seconds, job.size, job.attempts)
            database.execute(
                f"insert into jobs ({COLUMNS}, key, digest) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, job.created, job.finished, job.id, key, digest),
            )
            return job

    def of_key(self, client: str, key: str | None, digest: str) -> Job | None:
        """The job that a client's key stands for. Raises KeyUsedError where that was another request."""
        with self._lock:
            query = f"select digest, {COLUMNS} from jobs where client = ? and key = ?"
            row = self._database.execute(query, (client, key)).fetchone()
        if row is None:
            return None
        if row[0] != digest:
            raise KeyUsedError
        return _job(row[1:])

    def get(self, job_id: str) -> Job | None:
        """The job; None where there is none."""
        found = self._jobs("where id = ?", (job_id,))
        return found[0] if found else None

    def page(self, client: str, limit: int, after: str | None = None) -> list[Job]:
        """The client's jobs, the newest first, those that are older than `after`."""
        older = "" if after is None else "and number < (select number from jobs where id = ? and client = ?)"
        given = (client,) if after is None else (client, after, client)
        return self._jobs(f"where client = ? {older} order by number desc limit ?", (*given, limit))

    def claim(self) -> Job | None:
        """Take the job that waits longest; it is in progress from now on."""
        with self._change() as database:
            found = self._jobs("where state = ? order by number limit 1", (State.QUEUED,))
            if not found:
                return None
            database.execute("update jobs set state = ? where id = ?", (State.IN_PROGRESS, found[0].id))
            return found[0]

    def give_back(self, job_id: str, *, attempts: int) -> None:
        """Put the job back into its old place in the queue."""
        with self._change() as database:
            query = "update jobs set state = ?, attempts = ? where id = ? and state = ?"
            database.execute(query, (State.QUEUED, attempts, job_id, State.IN_PROGRESS))

    def finish(self, job: Job, delivery: Delivery | None = None) -> None:
        """Record in one step that the job is completed or failed, and that its webhook is to be sent."""
        with self._change() as database:
            query = "update jobs set state = ?, error = ?, size = ?, finished = ? where id = ? and state = ?"
            values = (job.state, job.error, job.size, job.finished, job.id, State.IN_PROGRESS)
            if database.execute(query, values).rowcount and delivery is not None:
                database.execute("insert or ignore into deliveries values (?, ?, ?, ?)", astuple(delivery))

    def delete(self, job_id: str) -> bool:
        """Forget a job; whether there was one."""
        with self._change() as database:
            return bool(database.execute("delete from jobs where id = ?", (job_id,)).rowcount)

    def grow_old(self, seconds: float, keep: float) -> list[str]:
        """So many seconds passed: the finished jobs that were kept for `keep` seconds, which are forgotten."""
        with self._change() as database:
            database.execute("update jobs set age = age + ? where state in (?, ?)", (seconds, *FINISHED))
            query = "delete from jobs where state in (?, ?) and age > ? returning id"
            return [job_id for (job_id,) in database.execute(query, (*FINISHED, keep)).fetchall()]

    def ids(self) -> set[str]:
        """The ids of all jobs."""
        with self._lock:
            return {job_id for (job_id,) in self._database.execute("select id from jobs").fetchall()}

    def count(self, state: State) -> int:
        """How many jobs there are in a state."""
        with self._lock:
            found: int = self._database.execute("select count(*) from jobs where state = ?", (state,)).fetchone()[0]
            return found

    def size(self) -> int:
        """Bytes that all jobs take or have set aside."""
        with self._lock:
            found: int = self._database.execute("select coalesce(sum(size), 0) from jobs").fetchone()[0]
            return found

    def deliveries(self) -> list[Delivery]:
        """Every webhook that is to be sent."""
        with self._lock:
            rows = self._database.execute("select id, url, body, attempts from deliveries order by rowid").fetchall()
        return [Delivery(*row) for row in rows]

    def delivered(self, delivery_id: str) -> None:
        """Forget a webhook: it arrived, or never will."""
        with self._change() as database:
            database.execute("delete from deliveries where id = ?", (delivery_id,))

    def not_delivered(self, delivery_id: str) -> None:
        """Count one more failed delivery of a webhook."""
        with self._change() as database:
            database.execute("update deliveries set attempts = attempts + 1 where id = ?", (delivery_id,))

    def _jobs(self, condition: str, values: tuple[object, ...]) -> list[Job]:
        with self._lock:
            return [_job(row) for row in self._database.execute(f"select {COLUMNS} from jobs {condition}", values)]

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("begin immediate")
            try:
                yield self._database
                self._database.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has ended it already
                    self._database.execute("rollback")
                raise


def _job(row: tuple[Any, ...]) -> Job:
    client, request, state, *others = row
    return Job(client, VideoRequest.from_json(request), State(state), *others)
