"""Run stages in parallel threads, and measure the time of each stage."""

import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

POLL = 0.05  # seconds after which a stage that waits for room checks whether it should end


@dataclass(frozen=True)
class StageTimes:
    """The seconds that each stage worked, by its name; parallel stages add up to more than the elapsed time."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time of the block to `stage`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += time.perf_counter() - started

    def iterate(self, stage: str, items: Iterator[T]) -> Iterator[T]:
        """Yield `items`, adding the time that each of them takes to `stage`."""
        while True:
            with self.measure(stage):
                item = next(items, self)
            if item is self:
                return
            yield item  # type: ignore[misc]  # only the end is `self`


@dataclass(frozen=True)
class _End:
    error: BaseException | None


def prefetch(items: Iterator[T], depth: int = 2) -> Generator[T]:
    """Yield `items` while another thread computes up to `depth` of them ahead; raises their exceptions.

    The thread ends with this iterator: exhausted, closed, or ended by an exception of its user.
    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    running = threading.Event()
    running.set()

    def put(item: T | _End) -> None:
        while running.is_set():
            with suppress(queue.Full):
                return ready.put(item, timeout=POLL)

    def work() -> None:
        error = None
        try:
            for item in items:
                put(item)
                if not running.is_set():
                    break
        except BaseException as raised:  # raised in the thread that takes the items
            error = raised
        finally:
            close: Callable[[], None] | None = getattr(items, "close", None)
            if close:
                close()
            put(_End(error))

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        running.clear()
        thread.join()


def in_parallel(work: Callable[[T], R], items: Iterator[T], workers: int) -> Generator[R]:
    """Yield `work(item)` for each of `items`, in order; `workers` threads compute several at once.

    `items` are read in the caller's thread. At most `workers` items are worked on and one result waits. An exception of
    an item or of its work is raised after the results before it, and ends the iterator.
    """
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="work") as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
