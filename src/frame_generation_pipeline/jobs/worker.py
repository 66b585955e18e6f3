"""A process that makes videos: it reads tasks as lines of JSON from standard input and writes messages to its output.

The line `true` instead of a task lets it rest, also in the middle of a video; `false` lets it go on.

It is `python -m frame_generation_pipeline.jobs.worker`, and it ends at once when its standard input ends, because the
server has ended then and another one may soon begin the same task. With the address of a Ray cluster as its argument,
the nodes of the cluster make the videos.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from frame_generation_pipeline.jobs.attempt import Report, make
from frame_generation_pipeline.jobs.making import Maker, Task

LAST = 19  # niceness, below live sessions and everything else


def main() -> None:
    """Work until standard input ends."""
    tasks: queue.Queue[Any] = queue.Queue()
    awake = threading.Event()
    awake.set()
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # only messages may go to the output
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole group; the server ends its workers
    if sys.argv[1:]:
        from frame_generation_pipeline.jobs.cluster import Cluster

        work: Callable[[Task, Report], None] = Cluster(sys.argv[1]).work
    else:
        _come_last()
        work = partial(make, Maker(), awake)
    threading.Thread(target=_read, args=(tasks, awake), daemon=True).start()  # after the niceness is set
    while True:
        work(Task.from_json(tasks.get()), lambda message: print(json.dumps(message), file=output))


def _come_last() -> None:
    """Give every other process of the machine priority."""
    with suppress(OSError, AttributeError):
        os.nice(LAST)
        for thread in Path("/proc/self/task").glob(
            "*"
        ):  # on Linux each thread has its own, and imports have started some
            os.setpriority(os.PRIO_PROCESS, int(thread.name), LAST)


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


if __name__ == "__main__":
    main()
