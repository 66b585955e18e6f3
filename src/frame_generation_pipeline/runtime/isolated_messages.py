"""Messages between an isolated process and its parent: JSON and arrays; reading them runs no code."""

import json
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import numpy.typing as npt

MOST = 2**29  # bytes of one message's values together
MOST_VALUES = 256
TYPES = ("uint8", "int32", "int64", "float16", "float32")


def send(connection: Connection, message: dict[str, Any], values: Sequence[bytes | npt.NDArray[Any]] = ()) -> None:
    """Send a JSON message with values. Raises OSError if the other process has ended."""
    arrays = [np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value for value in values]
    kinds = [(array.dtype.name, array.shape) for array in arrays]
    connection.send_bytes(json.dumps({**message, "values": kinds}).encode())
    for array in arrays:
        connection.send_bytes(np.ascontiguousarray(array).tobytes())


def receive(connection: Connection) -> tuple[dict[str, Any], list[npt.NDArray[Any]]]:
    """Receive a message of `send`. Raises EOFError at the end, OSError and ValueError for impossible data."""
    message = json.loads(connection.recv_bytes(MOST))
    if (
        not isinstance(message, dict)
        or not isinstance(kinds := message.get("values"), list)
        or len(kinds) > MOST_VALUES
    ):
        raise ValueError("no message")
    values: list[npt.NDArray[Any]] = []
    left = MOST
    for kind in kinds:
        if not (isinstance(kind, list) and len(kind) == 2 and kind[0] in TYPES and isinstance(kind[1], list)):
            raise ValueError("no kind of value")
        if not all(type(side) is int and 0 <= side <= MOST for side in kind[1]):
            raise ValueError("no shape")
        data = connection.recv_bytes(left)
        left -= len(data)
        values.append(np.frombuffer(data, kind[0]).reshape(kind[1]).copy())
    return message, values
