"""The workers that many sessions share; they take the task with the earliest deadline first."""

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
WHENEVER = float("inf")  # deadline of work without a time of its own, such as a file's frames


class Task(Future[T], Generic[T]):
    """A piece of an engine's work, as a future of its result."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        """Do the work, unless the task was cancelled."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            with library_errors("a frame could not be made"):
                result = self._work()
        except BaseException as error:  # raised in the thread that waits for the result
            self.set_exception(error)
        else:
            self.set_result(result)


class Engine:
    """A pool of worker threads that take the waiting task with the earliest deadline.

    Tasks with the same deadline are taken in the order in which they were submitted. Any thread may submit. The
    threads start with the first task and end with `close`, or once the engine is garbage.
    """

    def __init__(self, workers: int) -> None:
        """workers: the number of threads; with 0, a thread that waits for a task runs it, and those due before it."""
        self.workers = workers
        self._queue = _Queue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        weakref.finalize(self, self._queue.close)

    def submit(self, work: Callable[[], T], deadline: float = WHENEVER) -> Task[T]:
        """Queue `work` as a task. deadline: seconds on the clock of `time.monotonic`."""
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
        """Wait for the task and return its result; raises what its work raised."""
        while not self.workers and not task.done() and (due := self._queue.take()) is not None:
            due.run()
        return task.result()

    @property
    def waiting(self) -> int:
        """The number of tasks that no thread has begun."""
        return len(self._queue)

    def close(self) -> None:
        """Cancel the tasks that still wait, and end the threads after the tasks that they run."""
        self._queue.close()
        for thread in self._threads:
            thread.join()


class _Queue:
    """Tasks by their deadlines. The threads refer to it and not to the engine, so an engine that is garbage ends."""

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
        """Remove and return the task that is due first; None if no task waits."""
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
            del task  # else this thread would keep its result alive

    def close(self) -> None:
        with self._changed:
            self._closed = True
            for _, _, task in self._tasks:
                task.cancel()
            self._tasks.clear()
            self._changed.notify_all()


@atexit.register
def _finish_work() -> None:
    """Wait for running tasks: a thread that returns from C++ to a finalised Python would abort the process."""
    for queue in list(_queues):
        queue.close()
    for thread in list(_running):
        thread.join()
