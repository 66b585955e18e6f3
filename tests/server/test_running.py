import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import connect

from benchmarks.live_drops import offer_and_leave
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.server.running import prepare
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.voice.settings import VoiceSettings


@contextmanager
def framegen_serve(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-W", "error", "-m", "frame_generation_pipeline", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("serving at http://127.0.0.1:"), process.communicate()
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


def test_the_command_serves_and_ends_when_told() -> None:
    with framegen_serve() as (process, address):
        assert httpx.get(f"{address}healthz").json() == {"status": "ok"}
        host, port = address.split("/")[2].split(":")
        session = httpx.post(f"{address}v1/sessions", timeout=30).json()
        path = f"v1/sessions/{session['id']}/socket?video=fmp4"
        with (
            connect(address.replace("http", "ws") + path) as watching,
            socket.create_connection((host, int(port))) as unfinished,
        ):
            assert watching.recv(timeout=20)
            offer_and_leave(address.rstrip("/"), f"/v1/sessions/{session['id']}")
            watching.send(json.dumps({"type": "agent.speak", "text": "A voice is loaded when the end comes."}))
            unfinished.sendall(b"POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 128 + signal.SIGTERM
            assert time.monotonic() - started < 5
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OptionError, match="--port"):
        prepare(ServerSettings(port=taken.getsockname()[1]))


def test_a_voice_that_cannot_be_is_one_line_at_the_start() -> None:
    with pytest.raises(OptionError, match="--tts-url 'nowhere'"):
        prepare(ServerSettings(port=0, voice=VoiceSettings(url="nowhere")))
