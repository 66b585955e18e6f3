"""Tell of finished jobs: signed as standardwebhooks.com says, to hosts that are named, and again until it arrives."""

import base64
import hashlib
import hmac
import ipaddress
import logging
import socket
import sqlite3
import ssl
import threading
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from frame_generation_pipeline.errors import OptionError, quoted
from frame_generation_pipeline.jobs.log_filter import RepeatFilter
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.jobs.store import Delivery, JobStore

logger = logging.getLogger(__name__)
logger.addFilter(RepeatFilter())

PAUSES = (2.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0)  # seconds before the next try, after each that failed
TIMEOUT = 10.0  # seconds
LONGEST_URL = 2000  # characters
PORTS = {"http": 80, "https": 443}


def check_url(url: str, hosts: frozenset[str]) -> None:
    """Raise OptionError for a webhook's address that is none, or whose host is not one of `hosts`."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0 and len(url) <= LONGEST_URL
    except ValueError:
        usable = False
    if not usable or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        raise OptionError("webhook: expected an address such as https://example.com/done")
    if (parts.hostname or "").lower() not in hosts:
        raise OptionError("webhook: this host is none that may be told; the server names them with --webhook-host")


class Webhooks:
    """A thread that sends what the store has to be sent, in its order; each receiver gets at least one of each."""

    def __init__(self, store: JobStore, settings: JobSettings) -> None:
        self._store, self._settings = store, settings
        self._due: dict[str, float] = {}  # by delivery, on the monotonic clock; those without are due now
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """There may be something to be sent."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Send nothing more; what is not sent is when the store is opened again."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._thread.join(1.0)  # a receiver that hangs is not waited for

    def _work(self) -> None:
        while self._open:
            pause = PAUSES[0]
            try:
                for delivery in self._store.deliveries():
                    if self._open and self._due.get(delivery.id, 0.0) <= time.monotonic():
                        self._send(delivery)
                waiting = [self._due.get(delivery.id, 0.0) for delivery in self._store.deliveries()]
                pause = min(waiting, default=time.monotonic() + PAUSES[-1]) - time.monotonic()
            except sqlite3.Error as error:
                if self._open:
                    logger.warning("the jobs' database: %s; webhooks wait", quoted(error))
            with self._changed:
                if self._open:
                    self._changed.wait(min(max(pause, 0.0), PAUSES[-1]))

    def _send(self, delivery: Delivery) -> None:
        try:
            status = post(delivery, self._settings)
            reason = f"it answered {status}"
        except (OSError, HTTPException, OptionError) as error:
            status, reason = 0, quoted(error)
        host = urlsplit(delivery.url).hostname
        if 200 <= status < 300:
            self._store.delivered(delivery.id)
        elif delivery.attempts >= len(PAUSES):
            logger.warning("webhook %s to %s is given up: %s", delivery.id, host, reason)
            self._store.delivered(delivery.id)
        else:
            if not delivery.attempts:
                logger.warning("webhook %s to %s did not arrive: %s; it is sent again", delivery.id, host, reason)
            self._due[delivery.id] = time.monotonic() + PAUSES[delivery.attempts]
            self._store.not_delivered(delivery.id)


def post(delivery: Delivery, settings: JobSettings) -> int:
    """Send a webhook once; the status of the answer. A redirect is an answer like others, and not followed.

    Raises OptionError for a host that may not be told, OSError and HTTPException where nobody answers.
    """
    check_url(delivery.url, settings.webhook_hosts)
    parts = urlsplit(delivery.url)
    port = parts.port or PORTS[parts.scheme]
    connection = HTTPConnection(parts.hostname or "", port, timeout=TIMEOUT)
    # The address that was looked at is the one that is connected to: the name is not asked for again.
    link = socket.create_connection((_address(parts.hostname or "", port, settings.webhook_hosts), port), TIMEOUT)
    try:
        if parts.scheme == "https":
            link = ssl.create_default_context().wrap_socket(link, server_hostname=parts.hostname)
        connection.sock = link
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, delivery.body.encode(), _headers(delivery, settings.webhook_secret))
        return connection.getresponse().status
    finally:
        link.close()


def sign(secret: str, delivery_id: str, timestamp: int, body: str) -> str:
    """The header `webhook-signature`: HMAC-SHA256 of the three, joined by full stops."""
    signed = hmac.new(secret.encode(), f"{delivery_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def _headers(delivery: Delivery, secret: str) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "content-type": "application/json",
        "user-agent": "framegen",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, delivery.id, timestamp, delivery.body),
    }


def _address(host: str, port: int, named: frozenset[str]) -> str:
    """An address of the host that the internet can reach, or that is itself named. Raises OptionError."""
    for *_, found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        address = str(found[0])
        plain = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(plain, ipaddress.IPv6Address) and plain.ipv4_mapped is not None:
            plain = plain.ipv4_mapped
        if str(plain) in named or (plain.is_global and not plain.is_multicast):
            return address
    raise OptionError("its address is a private one, which must be named by --webhook-host itself")
