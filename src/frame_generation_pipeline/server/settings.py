"""Options of the server."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from frame_generation_pipeline.errors import MissingFileError, OptionError
from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.runtime.settings import Bounds, Runtime
from frame_generation_pipeline.voice.settings import VoiceSettings

PORT = 8700
LEAST_TOKEN = 16  # characters; shorter tokens can be guessed
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("", "0.0.0.0", "::")  # hosts that mean every address of the machine


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server, with which WebRTC connects through networks."""

    url: str  # such as stun:example.org or turn:example.org:3478?transport=udp
    username: str | None = None
    credential: str | None = None

    @classmethod
    def of(cls, text: str) -> "IceServer":
        """Read `stun:HOST` or `turn:HOST,USER,PASSWORD`. Raises OptionError, which shows no password."""
        url, *secret = text.split(",", 2)
        quotable = all(
            part.isprintable() and part.isascii() and not set(part) & set(' "\\<>') for part in (url, *secret)
        )
        kind = url.partition(":")[0]
        if kind not in ("stun", "turn", "turns") or len(url) <= len(kind) + 1 or len(secret) == 1 or not quotable:
            raise OptionError(f"{url!r} is no ICE server; give stun:HOST or turn:HOST,USER,PASSWORD")
        if kind != "stun" and not secret:
            raise OptionError(f"{url}: TURN needs a user and a password; give {url},USER,PASSWORD")
        return cls(url, *secret)


@dataclass(frozen=True)
class Limits:
    """Limits for one client, the holder of a token."""

    sessions: int = 4  # at once
    body: int = 64 * 2**20  # bytes of a request
    audio: float = 600.0  # seconds of audio that may wait in a session
    idle: float = 600.0  # seconds without any message, after which a session ends
    absence: float = 30.0  # seconds after its last connection, after which a session ends


@dataclass(frozen=True)
class ServerSettings:
    """The settings of `framegen serve`."""

    host: str = "127.0.0.1"  # address to listen on
    port: int = PORT  # 0 for any that is free
    avatars: Path | None = None  # folder of packages, beside the built-in presenter
    tokens: Mapping[str, str] = field(default_factory=dict)  # tokens by the client's name; empty: no token is needed
    hosts: tuple[str, ...] = ()  # further names of the server beside loopback's and `host`
    origins: tuple[str, ...] = ()  # origins of other pages that may send requests, such as https://example.org
    warm: bool = True  # render the presenter's frames at rest before the first session
    live_size: int = 720  # pixels; largest side of live frames
    ice_servers: tuple[IceServer, ...] = ()  # for the server's peers, and for the page's
    foreign_avatars: Path | None = None  # folder of packages from other people
    bounds: Bounds = Bounds()  # limits of the process that runs the programs of each of these
    certificate: Path | None = None  # PEM files for TLS; without them HTTP is plain
    key: Path | None = None
    limits: Limits = Limits()
    voice: VoiceSettings = VoiceSettings()  # speaks texts
    jobs: JobSettings | None = None  # options of videos as jobs; None: no jobs
    runtime: Runtime = Runtime()

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and not self.tokens:
            raise OptionError(
                f"{self.host}: others can reach this address; give --token-file with a line `name:token` for each"
                " client, or listen on 127.0.0.1"
            )
        if not 0 <= self.port <= 65535:
            raise OptionError(f"port {self.port} does not exist; give 0 (any) to 65535")
        if self.live_size < 64:
            raise OptionError(f"live frames of {self.live_size} pixels are too small; give at least 64")
        if (self.certificate is None) != (self.key is None):
            raise OptionError("TLS needs a certificate and its key; give --certificate and --key together")
        for path in (self.certificate, self.key):
            if path is not None and not path.is_file():
                raise MissingFileError(f"{path}: no such file; expected one of TLS's PEM files")

    @property
    def known_hosts(self) -> frozenset[str]:
        """The allowed names in a request's Host, without ports and in lower case."""
        own = () if self.host in EVERYWHERE else (self.host,)
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, *own, *self.hosts))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_tokens(path: Path) -> dict[str, str]:
    """Read tokens from a file with lines `name:token`; empty lines and lines that begin with # are ignored.

    Raises MissingFileError; OptionError, which names the line but never shows a token.
    """
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file; expected one with a line `name:token` for each client")
    tokens: dict[str, str] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise OptionError(f"{path}: is no UTF-8 text; expected lines `name:token`") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, token = (part.strip() for part in line.partition(":"))
        if not (name and colon) or len(token) < LEAST_TOKEN or not token.isascii() or " " in token:
            raise OptionError(
                f"{path}, line {number}: expected `name:token`, the token of at least {LEAST_TOKEN} letters of ASCII"
            )
        if name in tokens or token in tokens.values():
            raise OptionError(f"{path}, line {number}: this name or token is there twice; give each client its own")
        tokens[name] = token
    if not tokens:
        raise OptionError(f"{path}: holds no tokens; expected a line `name:token` for each client")
    return tokens
