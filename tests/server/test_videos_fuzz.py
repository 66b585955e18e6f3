"""The API under what no client should send, its videos above all."""

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hibari  # noqa: F401  # where the extra [say] is missing, these tests are left out
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.webrtc_routes import SDP
from samples import write_wav
from serving import TINY, Running, running


@pytest.fixture(scope="module")
def jobs(avatars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = JobSettings(tmp_path_factory.mktemp("jobs") / "jobs")
    with running(ServerSettings(port=0, avatars=avatars, jobs=folder)) as server:
        yield server


# schemathesis draws by `random` inside of its own strategies
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
def test_no_request_is_a_server_error(jobs: Running) -> None:
    schemathesis.serializer.alias("audio/*", "application/octet-stream")
    schemathesis.serializer.alias(SDP, "text/plain")
    schema = schemathesis.openapi.from_url(f"{jobs.address}/openapi.json")
    tried = []
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # a faulty description fails here

        @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            answer = case.call(timeout=30)
            full = answer.status_code == 503 and "retry-after" in answer.headers
            assert answer.status_code < 500 or full, answer.content

        send()
        tried.append(operation.label)
    for session in jobs.service.sessions.all():
        jobs.service.sessions.end(session, "tried")
    assert {"POST /v1/videos", "GET /v1/videos/{video_id}/content", "POST /v1/sessions"} <= set(tried)


def test_any_range_is_that_part_of_the_video(jobs: Running, tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 0.2).read_bytes()
    asked = jobs.client.post("/v1/videos", data={"avatar": TINY}, files={"audio": ("a.wav", audio)}).json()
    until = time.monotonic() + 180
    while jobs.client.get(f"/v1/videos/{asked['id']}").json()["status"] != "completed":
        assert time.monotonic() < until
        time.sleep(0.05)
    path = f"/v1/videos/{asked['id']}/content"
    whole, draw = jobs.client.get(path).content, random.Random(7)
    for _ in range(40):
        first, last = (draw.randrange(-5, 2 * len(whole)) for _ in range(2))
        answer = jobs.client.get(path, headers={"range": f"bytes={first}-{last}"})
        assert answer.status_code in (200, 206, 400, 416)
        if answer.status_code == 206 and first >= 0:
            assert answer.content == whole[first : last + 1]


def test_a_slow_upload_keeps_nobody_waiting(jobs: Running) -> None:
    body = b'--x\r\ncontent-disposition: form-data; name="text"\r\n\r\n...\r\n--x--\r\n'
    head = f"POST /v1/videos HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
    address = jobs.address.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=20) as slow:
        slow.sendall(f"{head}content-type: multipart/form-data; boundary=x\r\n\r\n".encode())
        for place in range(len(body)):
            slow.sendall(body[place : place + 1])
            if place % 10 == 0:
                assert jobs.client.get("/v1/videos").status_code == 200
        assert slow.recv(4000).startswith(b"HTTP/1.1 400")


def test_an_upload_that_takes_too_long_is_ended(jobs: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frame_generation_pipeline.server.video_requests.SLOWEST_UPLOAD", 1.0)
    head = "POST /v1/videos HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n"
    address = jobs.address.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=20) as slow:
        slow.sendall(f"{head}content-type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode())
        answer = b""
        while b"too_slow" not in answer:
            answer += slow.recv(4000)
        assert answer.startswith(b"HTTP/1.1 408")
    assert jobs.service.jobs is not None
    assert not list(jobs.service.jobs.settings.folder.glob("incoming-*"))
