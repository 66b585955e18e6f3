"""What a node of a cluster does, without a cluster: the chunks of files that it is sent are the files themselves."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from frame_generation_pipeline.jobs import node
from frame_generation_pipeline.jobs.attempt import Message, Report, make
from frame_generation_pipeline.jobs.cluster import _keep
from frame_generation_pipeline.jobs.job import VideoRequest
from frame_generation_pipeline.jobs.making import AUDIO, Maker, Task
from frame_generation_pipeline.jobs.node import PACKAGE, VERSION, Order, Part, SentFiles, kept_files, make_on_node, send
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.voice.settings import VoiceSettings
from samples import write_wav

TINY = Path(__file__).parent.parent.parent / "conformance" / "avatars" / "ave-160"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the node keeps."""
    monkeypatch.setattr(ray, "put", lambda data: data)
    monkeypatch.setattr(ray, "get", lambda data: data)
    monkeypatch.setattr(node, "CHUNK", 10_000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "framegen" / "ray"


def order(audio: Path, package: SentFiles, kept: SentFiles) -> Order:
    fingerprint = open_package(TINY).fingerprint
    return Order(VERSION, VideoRequest("tiny"), VoiceSettings(), fingerprint, package, send(AUDIO, audio), kept)


def messages_of(asked: Order, folder: Path) -> Iterator[Message]:
    """The messages, each once what came before it is written into `folder`."""
    for message in make_on_node(asked):
        if isinstance(message, Part):
            _keep(message, folder, folder / "video.mp4")
        else:
            yield message


def test_a_node_goes_on_from_what_another_one_gave_back(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, folder, kept = threading.Semaphore(0), tmp_path / "pieces", dict[str, Any]()
    folder.mkdir()

    def in_step(maker: Maker, awake: threading.Event, task: Task, report: Report) -> None:
        """The next frame is made once the message about this one is taken."""

        def report_and_wait(message: Message) -> None:
            report(message)
            taken.acquire()

        make(maker, awake, task, report_and_wait)

    monkeypatch.setattr(node, "make", in_step)
    audio = write_wav(tmp_path / "a.wav", 14)
    for message in messages_of(order(audio, send(PACKAGE, TINY), {}), folder):
        if "done" in message and not kept and message["done"] > 250:
            kept = {path.name: [path.read_bytes()] for path in kept_files(folder)}
        taken.release()
    assert set(kept) == {"00000.segment", "fingerprint.json", "digests"}
    assert message == {"completed": (folder / "video.mp4").stat().st_size}
    whole = (folder / "video.mp4").read_bytes()
    messages = []
    for message in messages_of(order(audio, {}, kept), folder):  # without the avatar, which is kept
        messages.append(message)
        taken.release()
    assert messages[0]["done"] == 250
    assert (folder / "video.mp4").read_bytes() == whole
    assert [path.name for path in cache.iterdir()] == ["avatars"]


def test_damaged_and_unused_avatars_go_from_a_node(tmp_path: Path, cache: Path) -> None:
    audio, package = write_wav(tmp_path / "a.wav", 0.2), send(PACKAGE, TINY)
    kept = cache / "avatars" / open_package(TINY).fingerprint
    (kept / PACKAGE).mkdir(parents=True)
    (kept / PACKAGE / "avatar.json").write_text("{")
    (old := cache / "avatars" / "old").mkdir()
    os.utime(old, (0, 0))
    (cache / "work-of-a-worker-that-was-killed").mkdir()
    *_, message = messages_of(order(audio, package, {}), tmp_path)
    assert message == {"completed": (tmp_path / "video.mp4").stat().st_size}
    assert [path.name for path in (cache / "avatars").iterdir()] == [kept.name]
    assert [path.name for path in cache.iterdir()] == ["avatars"]
