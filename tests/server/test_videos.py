"""Videos as jobs, over HTTP; a tiny avatar says tones and texts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import av
import hibari  # noqa: F401  # where the extra [say] is missing, these tests are left out
import httpx
import pytest

from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.server.app import SWEEP
from frame_generation_pipeline.server.settings import ServerSettings
from samples import write_wav
from server.workers import FRAMEGEN
from serving import TINY, Running, running


@pytest.fixture(scope="module")
def jobs(avatars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = JobSettings(tmp_path_factory.mktemp("jobs") / "jobs", disk=10**8)
    with running(ServerSettings(port=0, avatars=avatars, jobs=settings)) as server:
        yield server


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_wav(tmp_path_factory.mktemp("audio") / "a.wav", 1.0).read_bytes()


def ask(client: httpx.Client, audio: bytes | None = None, key: str | None = None, **fields: str) -> httpx.Response:
    files = {} if audio is None else {"audio": ("a.wav", audio)}
    headers = {} if key is None else {"idempotency-key": key}
    return client.post("/v1/videos", data={"avatar": TINY, **fields}, files=files or None, headers=headers)


def wait(client: httpx.Client, video: str, until: Callable[[dict[str, object]], bool], seconds: float = 180) -> object:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job: dict[str, object] = client.get(f"/v1/videos/{video}").json()
        if until(job):
            return job
        time.sleep(0.05)
    pytest.fail(f"still {job}")


def completed(job: dict[str, object]) -> bool:
    assert job["status"] != "failed", job
    return job["status"] == "completed"


def frames(content: bytes, folder: Path) -> int:
    (folder / "video").write_bytes(content)
    with av.open(str(folder / "video")) as container:
        assert container.streams.audio
        return sum(1 for _ in container.decode(video=0))


def test_audio_becomes_a_video(jobs: Running, audio: bytes, tmp_path: Path) -> None:
    asked = ask(jobs.client, audio)
    assert asked.status_code == 202, asked.text
    video = asked.json()["id"]
    assert asked.headers["location"] == f"/v1/videos/{video}"
    assert asked.json()["seconds"] == 1.0
    with jobs.client.stream("GET", f"/v1/videos/{video}/events") as events:
        lines = list(events.iter_lines())
    assert lines[-3] == "event: completed"
    last = json.loads(lines[-2].removeprefix("data: "))
    assert (last["progress"], last["error"]) == (100, None)
    content = jobs.client.get(last["content"])
    assert content.headers["content-type"] == "video/mp4"
    assert len(content.content) == last["size"]
    assert frames(content.content, tmp_path) == 25
    part = jobs.client.get(last["content"], headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content.content[10:20])
    assert jobs.client.get(last["content"], headers={"range": "bytes=999999999-"}).status_code == 416
    assert jobs.client.head(last["content"]).headers["content-length"] == str(last["size"])
    assert jobs.client.get("/v1/videos", params={"limit": 1}).json()["data"][0]["id"] == video
    assert jobs.client.delete(f"/v1/videos/{video}").status_code == 204
    assert jobs.client.get(last["content"]).status_code == 404
    assert jobs.service.jobs is not None
    assert not jobs.service.jobs.folder(video).exists()


def test_a_text_becomes_a_video_in_the_format_that_is_asked_for(jobs: Running, tmp_path: Path) -> None:
    asked = ask(jobs.client, text="Hi.", format="webm", fps="10", steady="true", loop="crossfade")
    assert asked.status_code == 202, asked.text
    wait(jobs.client, asked.json()["id"], completed)
    content = jobs.client.get(f"/v1/videos/{asked.json()['id']}/content")
    assert content.headers["content-type"] == "video/webm"
    assert 5 < frames(content.content, tmp_path) < 15


@pytest.mark.parametrize(
    ("fields", "audio", "status", "message"),
    [
        ({"text": "Hi 你"}, None, 400, "line 1, character 4"),
        ({"text": " "}, None, 400, "nothing to say"),
        ({"text": "\u200b\u2014\u0301"}, None, 400, "nothing to say"),
        ({}, b"this is no audio", 400, "the audio: cannot be decoded"),
        ({}, b"", 400, "the audio: is an empty file"),
        ({}, None, 422, "one of text and audio"),
        ({"text": "Hi"}, b"x", 422, "one of text and audio"),
        ({"text": "Hi", "avatar": "nobody"}, None, 404, "no avatar 'nobody'"),
        ({"text": "Hi", "format": "exe"}, None, 422, "expected one of mp4, webm"),
        ({"text": "Hi", "fps": "1000"}, None, 422, "form.fps"),
        ({"text": "Hi", "wings": "2"}, None, 422, "wings"),
        ({"text": "Hi", "webhook": "http://169.254.169.254/"}, None, 400, "none that may be told"),
        ({"text": "x" * 60_000}, None, 413, "more than 50000 characters"),
    ],
)
def test_what_cannot_be_made_is_refused_before_it_is_a_job(
    jobs: Running, fields: dict[str, str], audio: bytes | None, status: int, message: str
) -> None:
    before = jobs.client.get("/v1/videos").json()
    answer = ask(jobs.client, audio, **fields)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert jobs.client.get("/v1/videos").json() == before
    assert jobs.service.jobs is not None
    assert not list(jobs.service.jobs.settings.folder.glob("incoming-*"))


def test_the_same_key_is_the_same_video(jobs: Running, audio: bytes) -> None:
    first, again = (ask(jobs.client, audio, key="k1") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    assert ask(jobs.client, audio, key="k1", fps="5").status_code == 409
    assert ask(jobs.client, audio, key="").status_code == 422
    jobs.client.delete(f"/v1/videos/{first.json()['id']}")


def test_nothing_is_taken_on_beyond_the_disk(jobs: Running, tmp_path: Path) -> None:
    assert jobs.service.jobs is not None
    long = write_wav(tmp_path / "long.wav", 110, rate=8000).read_bytes()
    taken, refused = (ask(jobs.client, long, avatar="presenter") for _ in range(2))  # of about 57 MB each
    assert (taken.status_code, refused.status_code) == (202, 503)
    assert int(refused.headers["retry-after"]) > 0
    assert jobs.client.delete(f"/v1/videos/{taken.json()['id']}").status_code == 204


def test_a_deleted_video_ends_at_once_and_others_go_on(jobs: Running, audio: bytes, tmp_path: Path) -> None:
    long = write_wav(tmp_path / "long.wav", 60, rate=8000).read_bytes()
    first, second = ask(jobs.client, long).json()["id"], ask(jobs.client, audio).json()["id"]
    wait(jobs.client, first, lambda job: job["status"] == "in_progress" and bool(job["seconds_left"]))
    assert jobs.client.get(f"/v1/videos/{first}/content").status_code == 409
    assert jobs.client.delete(f"/v1/videos/{first}").status_code == 204
    wait(jobs.client, second, completed)
    assert jobs.client.get(f"/v1/videos/{first}").status_code == 404
    assert jobs.service.jobs is not None
    assert not jobs.service.jobs.folder(first).exists()


def test_a_worker_that_dies_loses_nothing(jobs: Running, tmp_path: Path) -> None:
    spoken = write_wav(tmp_path / "a.wav", 4, rate=8000).read_bytes()
    video = ask(jobs.client, spoken).json()["id"]
    wait(jobs.client, video, lambda job: bool(job["progress"]))
    worker = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "jobs.worker"], capture_output=True, check=True)
    os.kill(int(worker.stdout.split()[0]), signal.SIGKILL)
    wait(jobs.client, video, completed)
    assert frames(jobs.client.get(f"/v1/videos/{video}/content").content, tmp_path) == 100


def test_jobs_rest_while_frames_of_a_session_are_late(
    jobs: Running, audio: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frame_generation_pipeline.server.live_session.RECENT", 0.0)  # it stays as late as it is set
    begun = jobs.client.post("/v1/sessions", json={"avatar": TINY}).json()["id"]
    (session,) = jobs.service.sessions.all()
    session.lateness = 0.9
    time.sleep(1.5 * SWEEP)
    video = ask(jobs.client, audio).json()["id"]
    wait(jobs.client, video, lambda job: bool(job["progress"]))
    time.sleep(1.0)
    assert jobs.client.get(f"/v1/videos/{video}").json()["progress"] == 4  # percent, one frame of 25
    session.lateness = 0.0
    wait(jobs.client, video, completed)
    jobs.client.delete(f"/v1/sessions/{begun}")


def test_an_avatar_that_goes_away_in_the_middle_ends_no_other_job(avatars: Path, audio: bytes, tmp_path: Path) -> None:
    gone, spoken = tmp_path / "avatars", write_wav(tmp_path / "a.wav", 60, rate=8000).read_bytes()
    shutil.copytree(avatars / TINY, gone / TINY)
    with running(ServerSettings(port=0, avatars=gone, jobs=JobSettings(tmp_path / "jobs"))) as server:
        first = ask(server.client, spoken).json()["id"]
        wait(server.client, first, lambda job: bool(job["progress"]))
        shutil.rmtree(gone)
        second = ask(server.client, audio).json()["id"]
        job = wait(server.client, second, lambda job: job["status"] == "failed")
        assert isinstance(job, dict)
        assert f"avatar '{TINY}': no such" in job["error"]
        job = wait(server.client, first, lambda job: job["status"] in ("completed", "failed"))
        assert isinstance(job, dict)
        assert job["status"] == "completed" or f"avatar '{TINY}'" in job["error"]


def test_an_avatar_that_goes_away_fails_its_jobs_in_one_line(avatars: Path, audio: bytes, tmp_path: Path) -> None:
    gone = tmp_path / "avatars"
    gone.mkdir()
    (gone / TINY).symlink_to(avatars / TINY)
    with running(ServerSettings(port=0, avatars=gone, jobs=JobSettings(tmp_path / "jobs"))) as server:
        (gone / TINY).unlink()
        video = ask(server.client, audio).json()["id"]
        job = wait(server.client, video, lambda job: job["status"] == "failed")
        assert isinstance(job, dict)
        assert f"avatar '{TINY}': no such" in job["error"]


def test_a_server_that_is_killed_goes_on_within_the_video(avatars: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FRAMEGEN, "serve", "--port", "0"]
    command += ["--jobs", str(tmp_path / "jobs"), "--avatars", str(avatars)]

    def start() -> tuple["subprocess.Popen[str]", httpx.Client]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        return process, httpx.Client(base_url=process.stdout.readline().split()[-1], timeout=20)

    process, client = start()
    try:
        video = ask(client, write_wav(tmp_path / "a.wav", 14, rate=8000).read_bytes()).json()["id"]
        wait(client, video, lambda job: cast(int, job["progress"]) > 80)  # the first segment is 71 %
    finally:
        process.kill()
        process.communicate()
        client.close()
    segment = tmp_path / "jobs" / video / "video.mp4.partial" / "00000.segment"
    written_at = segment.stat().st_mtime_ns
    process, client = start()
    try:
        first = wait(client, video, lambda job: bool(job["progress"]))
        assert isinstance(first, dict)
        assert first["progress"] >= 71
        assert first["status"] == "completed" or segment.stat().st_mtime_ns == written_at
        wait(client, video, completed)
        assert frames(client.get(f"/v1/videos/{video}/content").content, tmp_path) == 350
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        client.close()
