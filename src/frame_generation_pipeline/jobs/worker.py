"""A process that makes videos: tasks come as lines of JSON on standard input, messages about them go out likewise.

A line that is `true` or `false` instead of a task lets it rest, in the middle of a video too, or go on.

It is `python -m frame_generation_pipeline.jobs.worker`, and ends at once when its standard input does: whoever started
it is gone then, however that happened, and somebody else may be at the same task soon. With the address of a Ray
cluster as its argument it has the videos made there.
"""

import errno
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from frame_generation_pipeline.errors import FrameGenerationError, OutputError, library_errors, quoted
from frame_generation_pipeline.jobs.making import Maker, Task

LAST = 19  # niceness: live sessions come first, and everything else too
REPORT_EVERY = 0.2  # seconds
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE}  # what another try may not meet
BUSY = 10.0  # seconds in which a worker before this one must have let go of the task

# `done` and `total` frames, or a `warning` for the log; at the end `completed` bytes, or `failed` and `again`
Message = dict[str, Any]
Report = Callable[[Message], None]


def main() -> None:
    """Work until standard input ends."""
    tasks: queue.Queue[Any] = queue.Queue()
    awake = threading.Event()
    awake.set()
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing but messages may come between them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole group; the server ends its workers
    if sys.argv[1:]:
        from frame_generation_pipeline.jobs.cluster import Cluster

        work: Callable[[Task, Report], None] = Cluster(sys.argv[1]).work
    else:
        _come_last()
        work = partial(make, Maker(), awake)
    threading.Thread(target=_read, args=(tasks, awake), daemon=True).start()  # with the niceness that is set by now
    while True:
        work(Task.from_json(tasks.get()), lambda message: print(json.dumps(message), file=output))


def make(maker: Maker, awake: threading.Event, task: Task, report: Report) -> None:
    """Make the video, frame by frame while `awake` is set; the last message says what became of it."""
    shown = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if done == total or time.monotonic() - shown > REPORT_EVERY:
            shown = time.monotonic()
            report({"done": done, "total": total})
        awake.wait()

    try:
        with library_errors("the work ended"):
            patiently(lambda: maker.make(task, progress))
        report(completed(task))
    except Exception as error:
        report(failed(error, task))


def _come_last() -> None:
    """Let every other process of the machine go first."""
    with suppress(OSError, AttributeError):
        os.nice(LAST)
        for thread in Path("/proc/self/task").glob("*"):  # Linux: each has its own, and importing has started some
            os.setpriority(os.PRIO_PROCESS, int(thread.name), LAST)


def completed(task: Task) -> Message:
    """The message about a video that is there."""
    return {"completed": task.video.stat().st_size}


def failed(error: Exception, task: Task) -> Message:
    """The message about an error: it in one line, and whether the same may go well later.

    It is for whoever asked for the video, so that no folder of this machine is in it.
    """
    known = isinstance(error, FrameGenerationError)
    line = quoted(error) if known else f"the work ended: {type(error).__name__} ({quoted(error)})"
    line = line.replace(f"{task.folder}{os.sep}", "").replace(str(task.package), f"avatar {task.request.avatar!r}")
    return {"failed": line, "again": _passing(error)}


def patiently(act: Callable[[], object]) -> None:
    """Act once the worker before, which ends by itself, has let go of the task. Raises what `act` does."""
    until = time.monotonic() + BUSY
    while True:
        try:
            act()
            return
        except OutputError as error:
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() > until:
                raise
        time.sleep(0.1)


def _read(tasks: "queue.Queue[Any]", awake: threading.Event) -> None:
    for line in sys.stdin:
        given = json.loads(line)
        if not isinstance(given, bool):
            tasks.put(given)
        elif given:
            awake.clear()
        else:
            awake.set()
    os._exit(0)


def _passing(error: BaseException) -> bool:
    """Whether the same may go well later: a full disk, too little memory."""
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "errno", None) in PASSING:
            return True
        cause = cause.__cause__
    return False


if __name__ == "__main__":
    main()
