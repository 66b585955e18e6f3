"""Run programs of other people in a process with bounded memory and time."""

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy.typing as npt

from frame_generation_pipeline.errors import ModelError, OptionError
from frame_generation_pipeline.runtime.isolated_messages import receive, send
from frame_generation_pipeline.runtime.onnx_session import checked_program
from frame_generation_pipeline.runtime.settings import Bounds

STARTING = 60.0  # seconds in which the process must start, and open a program
GRACE = 1.0  # seconds after a run's bound, at which the process is killed if it has not ended itself
KEPT = (
    "PATH",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "SYSTEMROOT",
)  # environment variables that it gets; others may be secret


@dataclass(frozen=True)
class Tensor:
    """An input or output, as ONNX Runtime states it."""

    name: str
    type: str
    shape: list[Any]


class IsolatedProcess:
    """A process that runs programs for this one; it starts with the first program and again after it was ended.

    Any thread may call; one program runs at a time. The process ends with this object.
    """

    def __init__(self, bounds: Bounds) -> None:
        """Raises OptionError on Windows, which has no such bounds."""
        if sys.platform == "win32":
            raise OptionError("avatars of others need a system that bounds processes: Linux or macOS")
        self._bounds = bounds
        self._models: list[bytes] = []
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    def open(self, model: str | Path | bytes) -> "IsolatedSession":
        """Open a session for a file or for checked bytes, as `open_session` does, on one thread.

        Raises MissingFileError; ModelError for data that is no model or cannot be opened within the bounds.
        """
        model = model if isinstance(model, bytes) else checked_program(Path(model))
        with self._lock:
            if self._connection is None:
                self._start()
            stated, _ = self._ask({"open": True}, [model], STARTING)
            self._models.append(model)
            return IsolatedSession(self, len(self._models) - 1, stated)

    def run(self, number: int, names: Sequence[str], inputs: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Compute the outputs `names` of program `number`. Raises ModelError, also if it exceeds the bounds."""
        with self._lock:
            if self._connection is None:
                self._start()
                for model in self._models:
                    self._ask({"open": True}, [model], STARTING)
            asked = {"run": number, "names": list(names), "inputs": list(inputs)}
            return self._ask(asked, list(inputs.values()), self._bounds.seconds + GRACE)[1]

    def close(self) -> None:
        """End the process; the next run begins another."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        ours, theirs = Pipe()
        command = [sys.executable, "-m", "frame_generation_pipeline.runtime.isolated_process"]
        bounds = [str(theirs.fileno()), str(self._bounds.memory), str(self._bounds.seconds)]
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(
            [*command, *bounds],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            pass_fds=[theirs.fileno()],
            env={name: value for name, value in os.environ.items() if name in KEPT},
        )
        theirs.close()
        self._connection, self._end = ours, weakref.finalize(self, _end, process, ours)

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._connection = self._end = None

    def _ask(
        self, message: dict[str, Any], values: Sequence[bytes | npt.NDArray[Any]], seconds: float
    ) -> tuple[dict[str, Any], list[npt.NDArray[Any]]]:
        """Send a message; returns the answer and its arrays."""
        assert self._connection is not None
        try:
            send(self._connection, message, values)
            if not self._connection.poll(seconds):
                raise EOFError
            answer, arrays = receive(self._connection)
        except (OSError, EOFError, ValueError):  # it ended, or sent an impossible answer
            self._stop()
            raise ModelError(
                f"the avatar's process was ended: a program took more than {self._bounds.seconds:g} s or"
                f" {self._bounds.memory >> 20} MB, or failed"
            ) from None
        if "error" in answer:
            raise ModelError(str(answer["error"]))
        return answer, arrays


class IsolatedSession:
    """A program in another process; the same calls as `Session`."""

    def __init__(self, process: IsolatedProcess, number: int, given: dict[str, Any]) -> None:
        """given: what the process says of inputs and outputs. Raises ModelError where that cannot be."""
        self._process, self._number = process, number
        try:
            self._inputs, self._outputs = (
                [Tensor(str(name), str(kind), list(shape)) for name, kind, shape in given[role]]
                for role in ("inputs", "outputs")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("the avatar's process says what cannot be of its programs") from error

    def get_inputs(self) -> list[Any]:
        """Names, types and shapes of what it takes."""
        return list(self._inputs)

    def get_outputs(self) -> list[Any]:
        """Names, types and shapes of what it gives."""
        return list(self._outputs)

    def run(self, names: Sequence[str], inputs: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The outputs of these names. Raises ModelError."""
        return self._process.run(self._number, names, inputs)


def _end(process: "subprocess.Popen[bytes]", connection: Connection) -> None:
    process.kill()
    process.wait()
    with suppress(OSError):
        connection.close()
