import sqlite3
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.jobs.job import Job, State, VideoRequest
from frame_generation_pipeline.jobs.store import Delivery, JobStore, KeyUsedError


def job(client: str = "me", **values: object) -> Job:
    return Job(client, VideoRequest("may", "Hi."), **values)  # type: ignore[arg-type]


def test_jobs_are_claimed_in_order_and_outlive_their_process(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    jobs = [store.add(job(created=-number), "d") for number in range(3)]  # whatever the clock says
    assert [one.id for one in store.page("me", 2)] == [jobs[2].id, jobs[1].id]
    assert [one.id for one in store.page("me", 2, after=jobs[1].id)] == [jobs[0].id]
    assert store.page("you", 9) == []
    claimed = store.claim()
    assert claimed == jobs[0]
    store.close()
    store = JobStore(tmp_path / "jobs.sqlite")
    again = store.claim()  # whoever was at it is gone
    assert again == jobs[0]
    store.give_back(jobs[0].id, attempts=2)
    again = store.claim()
    assert again is not None
    assert (again.id, again.attempts) == (jobs[0].id, 2)
    store.close()


def test_a_finished_job_is_told_once_and_grows_old(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.add(one := job(size=100), "d")
    store.claim()
    done = Job("me", one.request, State.COMPLETED, size=7, id=one.id)
    for _ in range(2):
        store.finish(done, Delivery("n", "http://x", "{}", 0))
    assert store.size() == 7
    store.not_delivered("n")
    assert [delivery.attempts for delivery in store.deliveries()] == [1]
    store.delivered("n")
    assert store.deliveries() == []
    assert store.grow_old(5, keep=9) == []
    assert store.grow_old(5, keep=9) == [one.id]
    assert store.get(one.id) is None
    store.close()


def test_a_key_stands_for_one_request_of_one_client(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    first = store.add(job(), "d", "key")
    assert store.add(job(), "d", "key") == first
    assert store.add(other := job("you"), "d", "key") is other
    with pytest.raises(KeyUsedError):
        store.add(job(), "e", "key")
    assert store.count(State.QUEUED) == 2
    store.close()


def test_a_locked_database_is_an_error_and_nothing_is_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frame_generation_pipeline.jobs.store.PATIENCE", 0.05)
    store = JobStore(tmp_path / "jobs.sqlite")
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.add(job(), "d")
    assert store.count(State.QUEUED) == 0  # reading goes on
    other.execute("rollback")
    other.close()
    store.add(job(), "d")
    assert store.count(State.QUEUED) == 1
    store.close()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_bytes(b"something else that is long enough to be looked at" * 20)
    with pytest.raises(OutputError, match=r"jobs\.sqlite: expected the jobs' database"):
        JobStore(tmp_path / "jobs.sqlite")
