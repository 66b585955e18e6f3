"""Ways in which clients leave sessions badly: nothing of them may stay in the server."""

import asyncio
import socket
import struct
from collections.abc import Callable
from functools import cache

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER by which closing a socket is a reset, without a word


def never_connect(address: str, url: str) -> None:
    """Nobody comes after the session was begun."""


def reset(address: str, url: str) -> None:
    """The network is gone in the middle of a message."""
    with upgraded(address, url) as connection:
        connection.sendall(b"\x82\xfe\xbb\x80" + bytes(1000))  # of 48,000 bytes
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)


def close_without_a_word(address: str, url: str) -> None:
    """The connection is closed, but not the WebSocket."""
    with upgraded(address, url) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def half_an_upgrade(address: str, url: str) -> None:
    """The request for a WebSocket ends in its headers."""
    with socket.create_connection(_place(address)) as unfinished:
        unfinished.sendall(_request(address, url)[:-30])
        unfinished.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)


def offer_and_leave(address: str, url: str) -> None:
    """A WHEP offer is answered, but nobody connects."""
    answer = httpx.post(
        f"{address}{url}/whep", content=_offer(), headers={"content-type": "application/sdp"}, timeout=60
    )
    answer.raise_for_status()


WAYS: tuple[Callable[[str, str], None], ...] = (
    never_connect,
    reset,
    close_without_a_word,
    half_an_upgrade,
    offer_and_leave,
)  # each is given the server's address without a slash at its end, and the session's path


def upgraded(address: str, url: str, connection: socket.socket | None = None) -> socket.socket:
    """A connection, by default a new one, that is a session's WebSocket with its MP4; nobody reads what comes."""
    connection = connection or socket.socket()
    connection.connect(_place(address))
    connection.sendall(_request(address, url))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(1)
    if not answer.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(answer.decode())
    return connection


def _request(address: str, url: str) -> bytes:
    lines = (
        f"GET {url}/socket?video=fmp4 HTTP/1.1",
        f"Host: {address.removeprefix('http://')}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    return "\r\n".join((*lines, "\r\n")).encode()


def _place(address: str) -> tuple[str, int]:
    host, port = address.removeprefix("http://").split(":")
    return host, int(port)


@cache
def _offer() -> str:
    """An SDP offer of a peer that has gone."""

    async def offer() -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for kind in ("video", "audio"):
            peer.addTransceiver(kind, direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        found = str(peer.localDescription.sdp)
        await peer.close()
        return found

    return asyncio.run(offer())
