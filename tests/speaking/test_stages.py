import threading
import time
from collections.abc import Iterator

import pytest

from frame_generation_pipeline.speaking.stages import StageTimes, in_parallel, prefetch


def numbers(count: int, closed: threading.Event | None = None) -> Iterator[int]:
    try:
        yield from range(count)
    finally:
        if closed:
            closed.set()


def test_everything_in_order() -> None:
    assert list(prefetch(numbers(100), depth=3)) == list(range(100))
    assert list(prefetch(iter([]))) == []


def test_works_ahead_but_not_too_far() -> None:
    computed: list[int] = []

    def items() -> Iterator[int]:
        for i in range(100):
            computed.append(i)
            yield i

    ahead = prefetch(items(), depth=2)
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(computed) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(computed) == 4  # the one taken, two in the queue and one that waits for room
    ahead.close()


def test_errors_come_through() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    ahead = prefetch(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="broken"):
        next(ahead)


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_the_thread_ends_with_its_user(taken: int) -> None:
    closed = threading.Event()
    ahead = prefetch(numbers(1_000_000, closed), depth=2)
    for _ in range(taken):
        next(ahead)
    ahead.close()
    assert closed.is_set() == bool(taken)  # a generator that was never started has nothing to close
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())


def test_times() -> None:
    times = StageTimes()
    with times.measure("sleep"):
        time.sleep(0.02)
    assert list(times.iterate("count", numbers(3))) == [0, 1, 2]
    assert times.seconds["sleep"] >= 0.02
    assert 0 < times.seconds["count"] < 0.02


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_parallel_work_keeps_the_order(workers: int) -> None:
    def work(i: int) -> int:
        time.sleep(0.01 if i % 3 == 0 else 0)
        return i * i

    assert list(in_parallel(work, numbers(20), workers)) == [i * i for i in range(20)]


def test_parallel_work_is_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)
    assert sorted(in_parallel(lambda i: meeting.wait(), numbers(3), 3)) == [0, 1, 2]


def test_parallel_errors_end_everything() -> None:
    done: list[int] = []

    def work(i: int) -> int:
        if i == 3:
            raise KeyError("three")
        done.append(i)
        return i

    results = in_parallel(work, numbers(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="three"):
        next(results)
    assert len(done) < 10
    assert not any(thread.name.startswith("work") for thread in threading.enumerate())
