"""Run a worker process, which may end at any moment, from the side that gives it tasks."""

import json
import logging
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.jobs.making import Task

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "frame_generation_pipeline.jobs.worker")


@dataclass(frozen=True)
class Outcome:
    """The result of a task."""

    size: int | None = None  # bytes of the video; None without one
    error: str | None = None  # the reason why there is no video, in one line
    again: bool = False  # whether another try may succeed
    died: bool = False  # whether its worker ended instead of reporting a failure


class Worker(Protocol):
    """Makes one video at a time, somewhere."""

    def run(self, task: Task, progress: Progress) -> Outcome:
        """Make the video; returns when it is complete, has failed or `stop` was called."""

    def rest(self, resting: bool) -> None:
        """Pause rendering, or continue; from any thread."""

    def stop(self) -> None:
        """End the present task at once; from any thread. The next `run` begins anew."""


class WorkerProcess:
    """A process on this machine, started when it is needed first.

    ray: address of the cluster that it has the videos made by; None where it makes them itself.
    """

    def __init__(self, ray: str | None = None) -> None:
        self._command = [*COMMAND, *([ray] if ray else [])]
        self._process: subprocess.Popen[str] | None = None
        self._resting = False
        self._sending = threading.Lock()

    def run(self, task: Task, progress: Progress) -> Outcome:
        """See `Worker`."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            self._send(process, task.to_json())
            for line in process.stdout:
                message = json.loads(line)
                if "completed" in message:
                    return Outcome(size=message["completed"])
                if "failed" in message:
                    return Outcome(error=message["failed"], again=message["again"])
                if "warning" in message:
                    logger.warning("%s", message["warning"])
                else:
                    progress(message["done"], message["total"])
        except (BrokenPipeError, ValueError):  # it ended, perhaps in the middle of a line
            pass
        self.stop()
        return Outcome(error=f"the worker ended with status {process.returncode}", again=True, died=True)

    def rest(self, resting: bool) -> None:
        """See `Worker`."""
        self._resting, process = resting, self._process
        if process is not None:
            with suppress(OSError, ValueError):  # it has ended
                self._send(process)

    def _send(self, process: "subprocess.Popen[str]", *tasks: object) -> None:
        """Send whether it is to rest, and then tasks."""
        assert process.stdin is not None
        with self._sending:
            process.stdin.writelines(json.dumps(given) + "\n" for given in (self._resting, *tasks))
            process.stdin.flush()

    def stop(self) -> None:
        """See `Worker`."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what it did not read any more
                    if pipe is not None:
                        pipe.close()
