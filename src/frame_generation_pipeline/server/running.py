"""Run the application on one socket, and end it within seconds."""

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.server.app import create_app
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.speaking import audio_front_end

GRACE = 1  # seconds for open connections when the server ends
LATEST = 3.0  # seconds after which it ends in spite of busy threads, such as one that loads a voice
DEAF = 30  # seconds after which a connection is closed whose peer receives nothing (Linux)
LONGEST_MESSAGE = 2**20  # bytes of a WebSocket's message


class Server(uvicorn.Server):
    """uvicorn's server, which ends sessions before it waits for their connections, and which a signal ends in time."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal to end."""
        last = threading.Timer(LATEST, os._exit, (128 + sig,))
        last.daemon = True
        last.start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End everything."""
        await asyncio.to_thread(self.service.sessions.close)
        await super().shutdown(sockets)


def serve(settings: ServerSettings, announce: Callable[[str], None]) -> None:
    """Serve until the process is told to end by SIGINT or SIGTERM; announce: is given the address once it listens.

    Raises what `prepare` raises.
    """
    server, listening, address = prepare(settings)
    logging.getLogger(audio_front_end.__name__).setLevel(logging.ERROR)  # silence is the client's concern
    announce(address)
    server.run(sockets=[listening])


def prepare(settings: ServerSettings) -> tuple[Server, socket.socket, str]:
    """A server that is ready to run on a socket that listens, and its address, `http://127.0.0.1:8700/`.

    Raises OptionError for an address that cannot be listened on, and what `create_app` raises.
    """
    app = create_app(settings)
    listening = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        app,
        access_log=False,  # paths hold the ids of sessions
        log_level="warning",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE,  # else the end would wait for open WebSockets
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,  # audio and video get no smaller by it, and it takes 10 ms for seconds of audio
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    return Server(config, app.state.service), listening, _address(listening, settings)


def _listen(host: str, port: int) -> socket.socket:
    listening = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":  # connections inherit it
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAF * 1000)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise OptionError(
            f"{host} port {port}: cannot be listened on ({error.strerror}); choose another --host or --port"
        ) from error
    return listening


def _address(listening: socket.socket, settings: ServerSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.certificate is None else "https"
    return f"{scheme}://{host}:{listening.getsockname()[1]}/"
