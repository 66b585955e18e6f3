"""A Ray cluster as a worker sees it: videos are made on its nodes, and come back to the job's folder piece by piece."""

import logging
import shutil
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RaySystemError, RayTaskError

from frame_generation_pipeline.errors import FrameGenerationError, OptionError, quoted
from frame_generation_pipeline.files.output import writing
from frame_generation_pipeline.files.partial import SUFFIX, alone
from frame_generation_pipeline.jobs.attempt import Message, Report, completed, failed, patiently
from frame_generation_pipeline.jobs.making import AUDIO, Task
from frame_generation_pipeline.jobs.node import CPUS, PACKAGE, VERSION, Order, Part, kept_files, make_on_node, send
from frame_generation_pipeline.package.load import open_package

MOST_AHEAD = 8  # messages and parts of files that wait to be taken
LOSSES = 3  # workers that may be lost one after another at the same piece of a video
PATIENCE = 5.0  # seconds for the cluster to answer
PAUSE = 5.0  # seconds until a cluster that does not answer is asked again
INCOMING = ".incoming"  # a file on its way, in the folder of the unfinished video


class Cluster:
    """Has videos made by a cluster, one after another.

    Ray ends a process whose cluster is gone for a minute; the work of a process that ended, the cluster drops.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def work(self, task: Task, report: Report) -> None:
        """Have the video made, from the pieces on that its folder holds; the last message says what became of it."""
        folder = task.video.with_name(task.video.name + SUFFIX)
        try:
            with ExitStack() as stack:
                patiently(lambda: stack.enter_context(alone(folder, task.video)))
                message = completed(task) if task.video.is_file() else self._make(task, folder, report)
                if "completed" in message:
                    shutil.rmtree(folder, ignore_errors=True)
        except (FrameGenerationError, OSError) as error:
            message = failed(error, task)
        report(message)

    def _make(self, task: Task, folder: Path, report: Report) -> Message:
        """The last message, after as many workers as it takes."""
        losses = 0
        while True:
            before = len(kept_files(folder))
            try:
                self._connect(report)
                return _have_made(task, folder, report)
            except RayTaskError as error:
                return {"failed": f"a node of the cluster: {quoted(error.cause)}", "again": False}
            except RayError as error:
                ray.shutdown()
                losses = 1 if len(kept_files(folder)) > before else losses + 1
                line = f"the cluster lost a worker ({quoted(error)})"
                if losses == LOSSES:
                    return {"failed": f"{line}, {LOSSES} times at the same place", "again": False}
                report({"warning": f"{task.folder.name}: {line}; another one goes on"})

    def _connect(self, report: Report) -> None:
        """Wait until the cluster answers."""
        waiting = False
        while not ray.is_initialized():
            try:
                connect(self._address)
            except OptionError as error:
                if not waiting:
                    report({"warning": f"{error}; jobs wait"})
                waiting = True
                time.sleep(PAUSE)


def connect(address: str) -> None:
    """Let this process give work to a cluster. Raises OptionError where it does not answer, or does not take us."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"--ray {address}: the cluster does not answer ({reason})") from error
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (RayError, RuntimeError, ConnectionError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise OptionError(f"--ray {address}: this machine cannot use the cluster: {reason}") from error


def _have_made(task: Task, folder: Path, report: Report) -> Message:
    """The last message of one worker. Raises RayError where the worker is lost."""
    package = open_package(task.package)
    kept = {name: chunks for path in kept_files(folder) for name, chunks in send(path.name, path).items()}
    audio = {} if task.request.text is not None else send(AUDIO, task.folder / AUDIO)
    order = Order(VERSION, task.request, task.voice, package.fingerprint, send(PACKAGE, package.path), audio, kept)
    remote = ray.remote(num_cpus=CPUS, max_retries=0, scheduling_strategy="SPREAD")(make_on_node)
    messages: Any = remote.options(_generator_backpressure_num_objects=MOST_AHEAD).remote(order)
    try:
        for reference in messages:
            message: Message | Part = ray.get(reference)
            if isinstance(message, Part):
                _keep(message, folder, task.video)
            elif "done" in message:
                report(message)
            else:
                return message
    except (FrameGenerationError, OSError):
        ray.cancel(messages, force=True)
        raise
    raise RaySystemError("it ended without a word")


def _keep(part: Part, folder: Path, video: Path) -> None:
    """Write a part of a file, which gets its name with the last one. Raises OutputError."""
    path = video if part.name == video.name else folder / part.name
    with writing(path):
        with (folder / INCOMING).open("wb" if part.first else "ab") as file:
            file.write(part.data)
        if part.last:
            (folder / INCOMING).replace(path)
