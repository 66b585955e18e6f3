"""The command line `framegen`: every command parses, calls and prints."""

import errno
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

import cv2
import typer
from rich.console import Console
from rich.logging import RichHandler

from frame_generation_pipeline.cli import (
    file_commands,
    making_commands,
    say_command,
    serving_commands,
    speaking_commands,
    training_commands,
)
from frame_generation_pipeline.cli.options import grouped
from frame_generation_pipeline.cli.printing import printable
from frame_generation_pipeline.errors import FrameGenerationError, library_errors
from frame_generation_pipeline.runtime.cores import available_cores

app = typer.Typer(
    name="framegen",
    help="Lip-synced video of a recorded person from any speech.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)

COMMANDS: tuple[Callable[..., None], ...] = (
    speaking_commands.generate,
    say_command.say,
    making_commands.create,
    serving_commands.serve,
    training_commands.prepare,
    training_commands.train,
    making_commands.distill,
    file_commands.pack,
    file_commands.verify,
    file_commands.features,
    file_commands.export,
    file_commands.reference,
    file_commands.compare,
    training_commands.evaluate,
    speaking_commands.inspect,
    file_commands.info,
    speaking_commands.benchmark,
)
for command in COMMANDS:
    app.command()(grouped(command))


class _LineHandler(logging.Handler):
    """Writes each record as one line, however long, to what standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it."""
        try:
            typer.echo(self.format(record), err=True)
        except OSError:  # nobody can be shown it
            self.handleError(record)


def main() -> NoReturn:
    """Run the command line: bad input gives one line and exit status 2, Ctrl-C 130."""
    console = Console(stderr=True)
    if console.is_terminal:
        handler: logging.Handler = RichHandler(console=console, show_time=False, show_path=False)
    else:
        handler = _LineHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of folders of its own
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of numpy and others; what matters is raised
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files may be any bytes
    cv2.setNumThreads(min(cv2.getNumThreads(), available_cores()))
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what matters is raised, in our words
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # which a shell sets for what runs in the background
        signal.signal(signal.SIGINT, _interrupt)
    try:
        with _without_remarks(), library_errors("the work ended"):
            app()
    except FrameGenerationError as error:
        line = "; ".join([str(error), *getattr(error, "__notes__", [])])
        _refuse(printable(line))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _forget(1)
        _refuse(f"standard output: cannot be written ({error.strerror}); free space there")
    sys.exit(0)


def _refuse(line: str) -> NoReturn:
    """End with exit status 2 and a line that says why, where standard error takes one."""
    try:
        typer.echo(f"framegen: {line}", err=True)
    except OSError:
        _forget(2)
    sys.exit(2)


def _forget(descriptor: int) -> None:
    """Discard what is still to be written to a descriptor, so that it does not fail again at the end."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), descriptor)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep messages of C libraries off standard error; whatever matters in them is raised as an error."""
    if sys.__stderr__ is None:  # it is closed
        yield
        return
    ours, kept = sys.stderr, os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere, _text_output(kept) as again:
            if ours is sys.__stderr__:
                sys.stderr = again
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        sys.stderr = ours


def _text_output(descriptor: int) -> TextIO:
    """A stream of lines to a descriptor, which stays open."""
    return os.fdopen(descriptor, "w", buffering=1, closefd=False, errors="backslashreplace")


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End by an exception, so that nothing half-written stays behind; a second signal changes nothing."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C ends a program, and let nobody who presses it again disturb the cleaning up."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
