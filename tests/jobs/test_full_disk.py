"""Videos as jobs on a disk that is full in fact: a file system of some megabytes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import httpx
import pytest

from frame_generation_pipeline.jobs import job_queue
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.server.settings import ServerSettings
from samples import write_wav
from serving import AVATARS, TINY, running

SIZE = 32 * 2**20  # bytes of the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here, which takes Linux and root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(filler: Path, left: int) -> None:
    """Take all of the disk but `left` bytes."""
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - left)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_full_disk_lets_a_job_wait_and_refuses_others(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(job_queue, "PAUSE", 0.5)
    audio = write_wav(tmp_path / "a.wav", 30, rate=8000).read_bytes()
    with running(ServerSettings(port=0, avatars=AVATARS, jobs=JobSettings(small_disk / "jobs"))) as server:

        def ask() -> httpx.Response:
            return server.client.post("/v1/videos", data={"avatar": TINY}, files={"audio": ("a.wav", audio)})

        fill(small_disk / "filler", len(audio) + 150_000)
        asked = ask()
        assert asked.status_code == 202, asked.text
        until(lambda: "No space left on device" in caplog.text)
        refused = ask()
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] in ("no_room", "busy")
        assert int(refused.headers["retry-after"]) > 0
        (small_disk / "filler").unlink()
        path = f"/v1/videos/{asked.json()['id']}"
        until(lambda: server.client.get(path).json()["status"] == "completed")
        (tmp_path / "a.mp4").write_bytes(server.client.get(f"{path}/content").content)
        assert len(server.client.get("/v1/videos").json()["data"]) == 1
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 750
    lines = [record.getMessage() for record in caplog.records if "No space left" in record.getMessage()]
    assert all("\n" not in line for line in lines)
    assert sum(asked.json()["id"] in line for line in lines) == 1  # though it was tried every half second
