"""Videos that a Ray cluster of two nodes makes, whose workers and whose server are killed meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import ray  # noqa: F401  # where the extra [ray] is missing, these tests are left out

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.jobs.cluster_check import check_cluster
from frame_generation_pipeline.jobs.job import VideoRequest
from frame_generation_pipeline.jobs.node import VERSION, Order, make_on_node
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.voice.settings import VoiceSettings
from samples import write_wav
from serving import AVATARS, TINY

SECONDS = 200.0  # that anything may take on a busy machine


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the nodes keep what is theirs."""
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="module")
def cluster(nodes: Path) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, str(Path(__file__).with_name("two_nodes.py")), str(nodes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


@contextmanager
def serving(cluster: str, folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    command = [sys.executable, "-m", "frame_generation_pipeline", "serve", "--port", "0", "--ray", cluster]
    command += ["--jobs", str(folder), "--avatars", str(AVATARS), *options]
    with (
        folder.with_suffix(".log").open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout
        try:
            with httpx.Client(base_url=process.stdout.readline().split()[-1], timeout=SECONDS) as client:
                yield process, client
        finally:
            process.terminate()


def workers(nodes: Path, name: bytes = b"make_on_node") -> list[int]:
    """The processes in a folder of nodes that are making a video, or that are called otherwise."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            working = name in (process / "cmdline").read_bytes().partition(b"\0")[0]
            if working and bytes(nodes) in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail("it takes too long")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the cluster's processes in /proc")
def test_workers_and_servers_that_are_killed_lose_nothing(cluster: str, nodes: Path, tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 40, rate=8000).read_bytes()

    def get(client: httpx.Client) -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"/v1/videos/{video}").json()
        assert found["status"] != "failed", found
        return found

    with serving(cluster, tmp_path / "jobs") as (server, client):
        asked = client.post("/v1/videos", data={"avatar": TINY}, files={"audio": ("a.wav", audio)})
        assert asked.status_code == 202, asked.text
        video = asked.json()["id"]
        pieces = tmp_path / "jobs" / video / "video.mp4.partial"
        until((pieces / "00000.segment").exists)
        until(lambda: get(client)["progress"] >= 25)  # percent: the worker tells after the segment is there
        (worker,) = workers(nodes)
        os.kill(worker, signal.SIGKILL)
        until(lambda: workers(nodes) not in ([], [worker]))
        least = 100
        while not (pieces / "00002.segment").exists():
            least = min(least, get(client)["progress"])
        server.kill()
    until(lambda: not workers(nodes))  # the cluster drops what nobody waits for
    assert least >= 25  # percent, a segment of four
    assert "the cluster lost a worker" in (tmp_path / "jobs.log").read_text()
    with serving(cluster, tmp_path / "jobs") as (_, client):
        found = until(lambda: (found := get(client))["status"] == "completed" and found)
        content = client.get(found["content"]).content
        assert len(client.get("/v1/videos").json()["data"]) == 1
    (tmp_path / "video.mp4").write_bytes(content)
    with av.open(str(tmp_path / "video.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 1000
    assert not pieces.exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the cluster's processes in /proc")
def test_a_lost_node_loses_nothing_and_a_deleted_job_ends_on_its_node(
    cluster: str, nodes: Path, tmp_path: Path
) -> None:
    audio = write_wav(tmp_path / "a.wav", 60, rate=8000).read_bytes()
    with serving(cluster, tmp_path / "jobs", "--jobs-at-once", "2") as (_, client):

        def ask(**form: Any) -> str:
            answer = client.post("/v1/videos", data={"avatar": TINY} | form.pop("data", {}), **form)
            assert answer.status_code == 202, answer.text
            return str(answer.json()["id"])

        text, other = ask(data={"text": "One, two, three. " * 8}), ask(files={"audio": ("a.wav", audio)})
        until(lambda: all(client.get(f"/v1/videos/{video}").json()["progress"] for video in (text, other)))
        assert len(workers(nodes)) == 2
        assert client.delete(f"/v1/videos/{other}").status_code == 204
        until(lambda: len(workers(nodes)) == 1)
        (node,) = (nodes / name for name in ("one", "two") if workers(nodes / name))
        until((tmp_path / "jobs" / text / "video.mp4.partial" / "00001.wav").exists)
        (raylet,) = workers(node, b"/raylet")
        os.kill(raylet, signal.SIGKILL)  # the node is lost, with all of its processes
        found = until(lambda: (found := client.get(f"/v1/videos/{text}").json())["status"] == "completed" and found)
        (tmp_path / "video.mp4").write_bytes(client.get(found["content"]).content)
        assert [video["id"] for video in client.get("/v1/videos").json()["data"]] == [text]
        assert [path.name for path in (tmp_path / "jobs").iterdir() if path.is_dir()] == [text]
    with av.open(str(tmp_path / "video.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) > 200
    (line,) = (tmp_path / "jobs.log").read_text().splitlines()
    assert f"WARNING {text}: the cluster lost a worker" in line


def test_a_cluster_that_is_none_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match=r"--ray 10\.0\.0\.1: expected HOST:PORT"):
        JobSettings(tmp_path, ray="10.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(OptionError, match=rf"--ray {address}: the cluster does not answer \(Connection refused\)"):
        check_cluster(address)
    (tmp_path / "ray.py").write_text("raise ModuleNotFoundError(name='ray')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(OptionError, match=r"needs ray, which is not installed; run pip install '.*\[ray\]'"):
        check_cluster(address)


def test_a_server_whose_machine_makes_videos_too_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for here in (False, True):
        done = subprocess.CompletedProcess([], 0, stdout=json.dumps([None, 2, here]))
        monkeypatch.setattr(subprocess, "run", lambda *_, done=done, **__: done)
        check_cluster("10.0.0.1:6379")
    (record,) = caplog.records
    assert "they do not rest for live sessions" in record.message


def test_a_node_of_another_version_makes_nothing() -> None:
    order = Order("0.0.1", VideoRequest("may", "Hi."), VoiceSettings(), "", {}, {}, {})
    (message,) = make_on_node(order)
    assert message == {"failed": f"a node of the cluster has version {VERSION}; install 0.0.1 there", "again": False}
