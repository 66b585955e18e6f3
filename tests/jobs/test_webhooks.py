"""Webhooks to a receiver on this machine."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.jobs import webhooks
from frame_generation_pipeline.jobs.job import Job, State, VideoRequest
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.jobs.store import Delivery, JobStore
from frame_generation_pipeline.jobs.webhooks import Webhooks, check_url, post

SECRET = "a secret of enough letters"


class Receiver(BaseHTTPRequestHandler):
    statuses: list[int]
    received: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[int, type[Receiver]]]:
    handler = type("Receiving", (Receiver,), {"statuses": [204], "received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        yield serving.server_port, handler
        serving.shutdown()
        thread.join()


def settings(folder: Path, *hosts: str) -> JobSettings:
    return JobSettings(folder, webhook_hosts=frozenset(hosts), webhook_secret=SECRET)


def test_it_arrives_signed_once_it_arrives(
    tmp_path: Path, receiver: tuple[int, type[Receiver]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, handler = receiver
    handler.statuses = [500, 302, 200]
    monkeypatch.setattr(webhooks, "PAUSES", (0.01,) * 6)
    store = JobStore(tmp_path / "jobs.sqlite")
    store.add(job := Job("me", VideoRequest("may", "Hi.")), "d")
    store.claim()
    done = Job("me", job.request, State.COMPLETED, id=job.id)
    store.finish(done, Delivery("video_1.completed", f"http://127.0.0.1:{port}/done?x=1", '{"é": 1}', 0))
    sender = Webhooks(store, settings(tmp_path, "127.0.0.1"))
    until = time.monotonic() + 10
    while store.deliveries() and time.monotonic() < until:
        time.sleep(0.01)
    sender.close()
    assert store.deliveries() == []
    store.close()
    assert len(handler.received) == 3
    for path, headers, body in handler.received:
        assert (path, body.decode()) == ("/done?x=1", '{"é": 1}')
        assert headers["webhook-id"] == "video_1.completed"
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1/", "none that may be told"),
        ("http://example.com.evil.org/", "none that may be told"),
        ("http://example.com@127.0.0.1/", "expected an address"),
        ("file:///etc/passwd", "expected an address"),
        ("http://example.com/a b", "expected an address"),
        ("http://example.com:99999/", "expected an address"),
        ("http://[::1", "expected an address"),
    ],
)
def test_addresses_that_nobody_named_are_refused(url: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_url(url, frozenset({"example.com"}))


def test_a_name_does_not_lead_to_a_private_address(tmp_path: Path, receiver: tuple[int, type[Receiver]]) -> None:
    port, handler = receiver
    delivery = Delivery("n", f"http://localhost:{port}/", "{}", 0)
    with pytest.raises(OptionError, match="private"):
        post(delivery, settings(tmp_path, "localhost"))
    assert not handler.received
    assert post(delivery, settings(tmp_path, "localhost", "127.0.0.1")) == 204


def test_webhooks_need_a_secret(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="FRAMEGEN_WEBHOOK_SECRET"):
        JobSettings(tmp_path, webhook_hosts=frozenset({"example.com"}))
