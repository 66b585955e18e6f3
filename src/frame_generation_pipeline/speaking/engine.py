"""Workers that many sessions share: whose frame is due first is worked on first."""

import atexit
import heapq
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Generic, TypeVar

from frame_generation_pipeline.errors import library_errors

T = TypeVar("T")

_running: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()  # workers of all engines
_queues: "weakref.WeakSet[_Queue]" = weakref.WeakSet()
WHENEVER = float("inf")  # deadline of work that nobody waits for at a moment of its own, such as a file's


class Task(Future[T], Generic[T]):
    """A piece of work of an engine, and what comes of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        """Do the work, unless it was cancelled before."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            with library_errors("a frame could not be made"):
                result = self._work()
        except BaseException as error:  # handed to whoever waits for the result
            self.set_exception(error)
        else:
            self.set_result(result)


class Engine:
    """A pool of worker threads; of the tasks that wait, it takes the one with the earliest deadline.

    Tasks of one deadline are taken in the order in which they came. Any thread may submit. The threads begin with the
    first task and end with `close`, or when nobody holds the engine any more.
    """

    def __init__(self, workers: int) -> None:
        """workers: threads; with 0, the thread that waits for a task does the work that is due before it, and it."""
        self.workers = workers
        self._queue = _Queue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        weakref.finalize(self, self._queue.close)

    def submit(self, work: Callable[[], T], deadline: float = WHENEVER) -> Task[T]:
        """Have `work` done; deadline: seconds on the clock of `time.monotonic`."""
        task = Task(work)
        self._queue.put(task, deadline)
        with self._starting:
            if len(self._threads) < self.workers:
                thread = threading.Thread(target=self._queue.work, name="engine", daemon=True)
                self._threads.append(thread)
                _running.add(thread)
                thread.start()
        return task

    def wait(self, task: Task[T]) -> T:
        """What comes of the task; raises what its work raised."""
        while not self.workers and not task.done() and (due := self._queue.take()) is not None:
            due.run()
        return task.result()

    @property
    def waiting(self) -> int:
        """Tasks that no thread has begun."""
        return len(self._queue)

    def close(self) -> None:
        """End the threads once they have done what they are at; tasks that still wait are cancelled."""
        self._queue.close()
        for thread in self._threads:
            thread.join()


class _Queue:
    """Tasks by their deadlines. Threads hold it and not the engine, so that a forgotten engine ends them."""

    def __init__(self) -> None:
        self._tasks: list[tuple[float, int, Task[object]]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._closed = False
        _queues.add(self)

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, task: Task[T], deadline: float) -> None:
        with self._changed:
            if self._closed:
                task.cancel()
                return
            heapq.heappush(self._tasks, (deadline, next(self._numbers), task))  # type: ignore[misc]  # any result
            self._changed.notify()

    def take(self) -> Task[object] | None:
        """The task that is due first; None when none waits."""
        with self._changed:
            return heapq.heappop(self._tasks)[2] if self._tasks else None

    def work(self) -> None:
        while True:
            with self._changed:
                while not self._tasks and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                task = heapq.heappop(self._tasks)[2]
            task.run()
            del task  # its result belongs to whoever asked for it

    def close(self) -> None:
        with self._changed:
            self._closed = True
            for _, _, task in self._tasks:
                task.cancel()
            self._tasks.clear()
            self._changed.notify_all()


@atexit.register
def _finish_work() -> None:
    """Wait for what workers are at: Python ends threads that come back to it too late, and C++ then ends all."""
    for queue in list(_queues):
        queue.close()
    for thread in list(_running):
        thread.join()
