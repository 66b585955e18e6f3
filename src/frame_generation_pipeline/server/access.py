"""Check every request and WebSocket first: its Host, its Origin, its client and the length of its body.

Any web page can reach a server on localhost, so Host and Origin are checked even if no token is needed.
"""

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.tokens import COOKIE, LOCAL, Client, Tokens

PUBLIC = {
    "/",
    "/videos.js",
    "/favicon.ico",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/v1/login",
}  # paths that the page needs before it has a cookie
PROTOCOL_TOKEN = "bearer."  # prefix of a WebSocket protocol with a token, because browsers cannot set other headers
REFUSED_SOCKET = 1008  # close code: policy
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Access:
    """ASGI middleware; leaves the `Client` in `scope["state"]["client"]`."""

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        tokens: Tokens,
        client_of_session_token: Callable[[str], Client | None],
    ) -> None:
        self._app, self._settings, self._tokens = app, settings, tokens
        self._of_session = client_of_session_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with its problem."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            self._check_origin(headers)
            scope.setdefault("state", {})["client"] = self._client(scope, headers)
            receive = self._bounded(scope, headers, receive)
        except Problem as problem:
            if scope["type"] == "websocket":
                await receive()  # the request to connect
                await send({"type": "websocket.close", "code": REFUSED_SOCKET, "reason": problem.code})
            else:
                await problem.response()(scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send))

    def _check_host(self, headers: Headers) -> None:
        host = _hostname(f"//{headers.get('host', '')}")
        if host not in self._settings.known_hosts:
            raise Problem(421, "unknown_host", "the server is not known by this name; allow it with --allow-host")

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self._settings.origins:
            return
        # The same host and port as in Host, which is on the list by now; behind a proxy the scheme may differ.
        if urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            raise Problem(403, "foreign_origin", "pages from there may not ask; allow them with --allow-origin")

    def _client(self, scope: Scope, headers: Headers) -> Client:
        token = bearer_token(headers)
        client = None
        if token is not None:
            client = self._tokens.client_of(token) or self._of_session(token)
        elif (cookie := login_cookie(headers)) is not None:
            client = self._tokens.client_of_cookie(cookie)
        if client is None and (not self._tokens.demanded or scope["path"] in PUBLIC):
            client = LOCAL
        if client is None:
            message = "a token is needed: send it as `Authorization: Bearer ...`"
            raise Problem(401, "no_token", message, {"www-authenticate": "Bearer"})
        return client

    def _bounded(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Wrap `receive` to raise Problem beyond the longest body; WebSockets bound their messages themselves."""
        if scope["type"] != "http":
            return receive
        left = self._settings.limits.body
        problem = Problem(413, "too_large", f"the body has more than {left} bytes")
        stated = headers.get("content-length", "0")
        if not stated.isdecimal() or int(stated) > left:
            raise problem

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise problem
            return message

        return bounded


def bearer_token(headers: Headers) -> str | None:
    """The token in a request's header or in a WebSocket's protocols."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    protocols = (name.strip() for name in headers.get("sec-websocket-protocol", "").split(","))
    return next((name.removeprefix(PROTOCOL_TOKEN) for name in protocols if name.startswith(PROTOCOL_TOKEN)), None)


def login_cookie(headers: Headers) -> str | None:
    """The page's cookie."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
