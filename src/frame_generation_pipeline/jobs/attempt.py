"""One attempt at a job's video, wherever it runs, and the messages about it."""

import errno
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from frame_generation_pipeline.errors import FrameGenerationError, OutputError, library_errors, quoted
from frame_generation_pipeline.jobs.making import Maker, Task

REPORT_EVERY = 0.2  # seconds
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE}  # another try may succeed
BUSY = 10.0  # seconds in which an earlier worker must release the task

# `done` and `total` frames, or a `warning` for the log; the last one has `completed` bytes, or `failed` and `again`
Message = dict[str, Any]
Report = Callable[[Message], None]


def make(maker: Maker, awake: threading.Event, task: Task, report: Report) -> None:
    """Make the video, frame by frame while `awake` is set; the last message reports the result."""
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


def completed(task: Task) -> Message:
    """The message about a complete video."""
    return {"completed": task.video.stat().st_size}


def failed(error: Exception, task: Task) -> Message:
    """The message about an error: one line, and whether another try may succeed.

    The client who asked for the video sees the line, so it names no folder of this machine.
    """
    known = isinstance(error, FrameGenerationError)
    line = quoted(error) if known else f"the work ended: {type(error).__name__} ({quoted(error)})"
    line = line.replace(f"{task.folder}{os.sep}", "").replace(str(task.package), f"avatar {task.request.avatar!r}")
    return {"failed": line, "again": _passing(error)}


def patiently(act: Callable[[], object]) -> None:
    """Call `act`, waiting until an earlier worker, which ends by itself, has released the task. Raises as `act`."""
    until = time.monotonic() + BUSY
    while True:
        try:
            act()
            return
        except OutputError as error:
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() > until:
                raise
        time.sleep(0.1)


def _passing(error: BaseException) -> bool:
    """Whether another try may succeed: after a full disk or too little memory, for example."""
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "errno", None) in PASSING:
            return True
        cause = cause.__cause__
    return False
