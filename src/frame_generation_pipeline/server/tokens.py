"""Identify clients by tokens, and by cookies that the page gets for a token."""

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

COOKIE = "framegen"
LOGIN_SECONDS = 12 * 3600.0  # seconds for which a cookie is valid
MOST_LOGINS = 1000  # valid cookies at a time; the oldest is dropped first


@dataclass(frozen=True)
class Client:
    """A client. session: the only session that it may use; None for the holder of one of the server's tokens."""

    name: str
    session: str | None = None


LOCAL = Client("local")  # every client of a server without tokens


class Tokens:
    """The server's tokens, and the logins with them."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = dict(tokens)
        self._logins: dict[str, tuple[str, float]] = {}  # client's name and end of the login, by cookie

    @property
    def demanded(self) -> bool:
        """Whether clients need a token."""
        return bool(self._tokens)

    def client_of(self, token: str) -> Client | None:
        """The client with this token; every token is compared, each in constant time."""
        found = None
        for name, own in self._tokens.items():
            if same_secret(token, own):
                found = Client(name)
        return found

    def login(self, client: Client) -> str:
        """A cookie that stands for the client."""
        cookie = secrets.token_urlsafe(32)
        while len(self._logins) >= MOST_LOGINS:
            del self._logins[next(iter(self._logins))]
        self._logins[cookie] = (client.name, time.monotonic() + LOGIN_SECONDS)
        return cookie

    def client_of_cookie(self, cookie: str) -> Client | None:
        """The client with this login; a cookie has 256 random bits, so the time of the look-up reveals nothing."""
        name, end = self._logins.get(cookie, ("", 0.0))
        return Client(name) if time.monotonic() < end else None

    def logout(self, cookie: str) -> None:
        """Forget a cookie."""
        self._logins.pop(cookie, None)


def same_secret(given: str, own: str) -> bool:
    """Whether both are equal, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), own.encode())
