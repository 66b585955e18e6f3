"""The command that serves: avatars over HTTP, WebSocket and WebRTC."""

import os
import sys
import tempfile
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from frame_generation_pipeline.cli.options import RuntimeOptions, VoiceOptions
from frame_generation_pipeline.extras import needing_extra
from frame_generation_pipeline.jobs.settings import SECRET, JobSettings, default_folder


@dataclass(frozen=True)
class JobOptions:
    """Videos that are made as jobs."""

    jobs: Annotated[
        Path | None, typer.Option(help="Folder of the queue and its videos [default: one for the port, in your data].")
    ] = None
    jobs_at_once: Annotated[int, typer.Option(min=1, help="Videos that are made at the same time.")] = 1
    jobs_disk: Annotated[float, typer.Option(min=0, help="GB that they may take.")] = 10.0
    jobs_keep: Annotated[float, typer.Option(min=0, help="Hours for which finished ones stay.")] = 24.0
    ray: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Ray cluster whose nodes make them; needs the extra `[ray]`."),
    ] = None
    webhook_host: Annotated[
        list[str] | None, typer.Option(help=f"Host that may be told of them; {SECRET} signs. May be repeated.")
    ] = None

    def value(self, port: int, temporary: Path) -> JobSettings:
        """These as a value; temporary: folder of jobs on any free port, which nobody finds again."""
        return JobSettings(
            self.jobs or (default_folder(port) if port else temporary),
            self.jobs_at_once,
            int(self.jobs_disk * 10**9),
            self.jobs_keep * 3600,
            ray=self.ray,
            webhook_hosts=frozenset(host.lower() for host in self.webhook_host or ()),
            webhook_secret=os.environ.get(SECRET, ""),
        )


def serve(
    runtime: RuntimeOptions,
    voice: VoiceOptions,
    jobs: JobOptions,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback's demand tokens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")] = 8700,
    avatars: Annotated[Path | None, typer.Option(help="Folder of .avatar files, beside the presenter.")] = None,
    foreign_avatars: Annotated[
        Path | None, typer.Option(help="Folder of those that others made: their programs run apart, within bounds.")
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with a line `name:token` for each client.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Name by which the server may be addressed; may be repeated.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Origin of pages elsewhere that may ask; may be repeated.")
    ] = None,
    ice_server: Annotated[
        list[str] | None, typer.Option(help="stun:HOST, or turn:HOST,USER,PASSWORD, for WebRTC; may be repeated.")
    ] = None,
    live_size: Annotated[int, typer.Option(help="Pixels that a live frame's longer side has at most.")] = 720,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate, a PEM file.")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS key, a PEM file.")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page, where there is a desktop.")] = False,
) -> None:
    """Serve avatars to programs and browsers; needs the extra `[serve]`. Ends with Ctrl-C.

    **Example:** `framegen serve --avatars avatars/`
    """
    with needing_extra("serve", "the server"):
        from frame_generation_pipeline.server.running import serve as run
        from frame_generation_pipeline.server.settings import IceServer, ServerSettings, read_tokens

    def announce(address: str) -> None:
        typer.echo(f"serving at {address}")
        if open_page and (sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)):
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    with tempfile.TemporaryDirectory(prefix="framegen-jobs-", ignore_cleanup_errors=True) as temporary:
        settings = ServerSettings(
            host,
            port,
            avatars,
            {} if token_file is None else read_tokens(token_file),
            tuple(allow_host or ()),
            tuple(allow_origin or ()),
            live_size=live_size,
            ice_servers=tuple(IceServer.of(text) for text in ice_server or ()),
            foreign_avatars=foreign_avatars,
            certificate=certificate,
            key=key,
            runtime=runtime.value(),
            voice=voice.value(),
            jobs=jobs.value(port, Path(temporary)),
        )
        run(settings, announce)
