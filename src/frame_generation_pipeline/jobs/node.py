"""What the nodes of a Ray cluster do: make a video in a folder of their own, and give back each piece of it.

Avatars stay on a node's disk, by their fingerprints, so that each crosses the network once.
"""

import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import ray

from frame_generation_pipeline.errors import FrameGenerationError, OutputError
from frame_generation_pipeline.files.partial import DIGESTS, FINGERPRINT, SUFFIX, alone
from frame_generation_pipeline.jobs.attempt import Message, failed, make
from frame_generation_pipeline.jobs.job import VideoRequest
from frame_generation_pipeline.jobs.making import Maker, Task
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.voice.settings import VoiceSettings

CPUS = 1  # of the cluster, which a video takes
CHUNK = 16 * 2**20  # bytes of a file that are sent at once
UNUSED = 24 * 3600.0  # seconds after which an avatar leaves a node's disk
PACKAGE = "package.avatar"  # an avatar's file or folder, where it is sent to
VERSION = version("frame-generation-pipeline")

SentFiles = dict[str, "list[ray.ObjectRef[bytes]]"]  # files by name, in chunks that lie in the cluster


@dataclass(frozen=True)
class Order:
    """All that a node needs to make a video."""

    version: str  # of this package, where the video was asked for
    request: VideoRequest
    voice: VoiceSettings
    avatar: str  # the fingerprint of its package
    package: SentFiles  # PACKAGE
    audio: SentFiles  # AUDIO; none where the request has a text
    kept: SentFiles  # what workers before have made


@dataclass(frozen=True)
class Part:
    """A chunk of a file on its way back; the file is complete with its last one."""

    name: str
    data: bytes
    first: bool
    last: bool


def send(name: str, path: Path) -> SentFiles:
    """Put a file, or all files of a folder, into the cluster. Raises OSError."""
    files = [path] if path.is_file() else [found for found in sorted(path.rglob("*")) if found.is_file()]
    return {str(name / file.relative_to(path)): [ray.put(data) for data in _chunks(file)] for file in files}


def kept_files(folder: Path) -> list[Path]:
    """The complete pieces of an unfinished video, and after them what says that they are good."""
    pieces = [*sorted(folder.glob("[0-9]*.wav")), *sorted(folder.glob("[0-9]*.segment"))]
    return pieces + [path for path in (folder / FINGERPRINT, folder / DIGESTS) if path.is_file()]


def make_on_node(order: Order) -> Iterator[Message | Part]:
    """Make the video: messages as in `jobs.attempt`, and the pieces of the video as soon as they are complete.

    The last message says what became of it; the video itself comes before the one that it is completed.
    """
    if order.version != VERSION:
        yield {"failed": f"a node of the cluster has version {VERSION}; install {order.version} there", "again": False}
        return
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "framegen" / "ray"
    avatars = root / "avatars"
    try:
        with _own_folder(root) as folder:
            yield from _make(order, _kept_avatar(avatars, order), folder)
    except (FrameGenerationError, OSError) as error:
        yield failed(error, Task(root, avatars, order.request, order.voice))


def _make(order: Order, package: Path, folder: Path) -> Iterator[Message | Part]:
    task = Task(folder, package, order.request, order.voice)
    partial = task.video.with_name(task.video.name + SUFFIX)
    _write(order.audio, folder)
    _write(order.kept, partial)
    sent: set[tuple[str, int]] = set()
    for _ in _changed(partial, sent):  # where these come from they are known
        pass
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    awake = threading.Event()
    awake.set()
    threading.Thread(target=make, args=(_maker(), awake, task, messages.put), daemon=True).start()
    while True:
        message = messages.get()
        if "completed" in message:
            yield from _parts(task.video)
        else:
            for path in _changed(partial, sent):
                yield from _parts(path)
        yield message
        if "done" not in message:
            return


@cache
def _maker() -> Maker:
    """The process's own, which keeps what it loaded last."""
    return Maker(Runtime(threads=CPUS))


@contextmanager
def _own_folder(root: Path) -> Iterator[Path]:
    """A new folder in `root` until the block ends; those of workers that were killed are removed."""
    root.mkdir(parents=True, exist_ok=True)
    for other in root.glob("work-*"):
        with suppress(OutputError), alone(other, other):  # raises where its worker lives
            shutil.rmtree(other, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=root))
    try:
        with alone(folder, folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kept_avatar(root: Path, order: Order) -> Path:
    """The avatar's package on this node's disk, which is fetched where it is not there."""
    root.mkdir(exist_ok=True)
    keep = root / order.avatar
    if not _holds(keep, order.avatar):
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=root))
        _write(order.package, fresh)
        if keep.exists() and not _holds(keep, order.avatar):
            shutil.rmtree(keep, ignore_errors=True)
        with suppress(OSError):  # another worker of this node was faster
            fresh.rename(keep)
        shutil.rmtree(fresh, ignore_errors=True)
    os.utime(keep)
    for other in root.iterdir():
        with suppress(OSError):
            if time.time() - other.stat().st_mtime > UNUSED:
                shutil.rmtree(other, ignore_errors=True)
    return keep / PACKAGE


def _holds(keep: Path, fingerprint: str) -> bool:
    with suppress(FrameGenerationError):
        return open_package(keep / PACKAGE).fingerprint == fingerprint
    return False


def _changed(folder: Path, sent: set[tuple[str, int]]) -> Iterator[Path]:
    """The kept files that are not in `sent`, by name and time, which they are added to."""
    for path in kept_files(folder):
        with suppress(FileNotFoundError):  # the video is complete meanwhile
            state = path.name, path.stat().st_mtime_ns
            if state not in sent:
                sent.add(state)
                yield path


def _write(files: SentFiles, folder: Path) -> None:
    """Write what `send` sent."""
    for name, chunks in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for chunk in chunks:
                file.write(ray.get(chunk))


def _parts(path: Path) -> Iterator[Part]:
    first, data = True, b""
    for number, following in enumerate(_chunks(path)):
        if number:
            yield Part(path.name, data, first, last=False)
            first = False
        data = following
    yield Part(path.name, data, first, last=True)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            yield data
