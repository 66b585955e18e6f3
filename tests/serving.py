"""A server that runs in a thread of the tests."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from frame_generation_pipeline.server.running import prepare
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.settings import ServerSettings

AVATARS = Path(__file__).parent.parent / "conformance" / "avatars"
TINY = "ave-160"  # an avatar of 131x97 pixels with an audio program


class Running:
    """A server, its address without a slash at the end, and a client of it."""

    def __init__(self, address: str, service: Service) -> None:
        self.address, self.service = address.rstrip("/"), service
        self.client = httpx.Client(base_url=self.address, timeout=60)


@contextmanager
def running(settings: ServerSettings) -> Iterator[Running]:
    """The server; it paints nothing before it is asked to, for tests share the machine."""
    server, listening, address = prepare(replace(settings, warm=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        server_running = Running(address, server.service)
        with closing(server_running.client):
            while server_running.client.get("/readyz").status_code != 200:
                time.sleep(0.05)
            yield server_running
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
