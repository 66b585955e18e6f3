"""A process that makes videos: tasks come as lines of JSON on standard input, what becomes of them goes out likewise.

It is `python -m frame_generation_pipeline.jobs.worker`, and ends at once when its standard input does: whoever started
it is gone then, however that happened, and somebody else may be at the same task soon.
"""

import errno
import json
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TextIO

from frame_generation_pipeline.errors import FrameGenerationError, OutputError, library_errors, quoted
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.jobs.making import Maker, Task

LAST = 19  # niceness: live sessions come first, and everything else too
REPORT_EVERY = 0.2  # seconds
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE}  # what another try may not meet
BUSY = 10.0  # seconds in which a worker before this one must have let go of the task


def main() -> None:
    """Work until standard input ends."""
    lines: queue.Queue[str] = queue.Queue()
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing but reports may come between them
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole group; the server ends its workers
    with suppress(OSError):
        os.nice(LAST)
    maker = Maker()
    while True:
        _work(maker, Task.from_json(json.loads(lines.get())), output)


def _read(lines: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _work(maker: Maker, task: Task, output: TextIO) -> None:
    shown = 0.0

    def tell(**values: object) -> None:
        output.write(json.dumps(values) + "\n")

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if done == total or time.monotonic() - shown > REPORT_EVERY:
            shown = time.monotonic()
            tell(done=done, total=total)

    try:
        with library_errors("the work ended"):
            _patiently(maker, task, progress)
    except FrameGenerationError as error:
        tell(failed=quoted(error), again=_passing(error))
    except Exception as error:
        tell(failed=f"the work ended: {type(error).__name__} ({quoted(error)})", again=False)
    else:
        tell(completed=task.video.stat().st_size)


def _patiently(maker: Maker, task: Task, progress: Progress) -> None:
    """Make the video, once the worker before, which ends by itself, has let go of it."""
    until = time.monotonic() + BUSY
    while True:
        try:
            return maker.make(task, progress)
        except OutputError as error:
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() > until:
                raise
        time.sleep(0.1)


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
