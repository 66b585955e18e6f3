"""The command that serves: avatars over HTTP, WebSocket and WebRTC."""

from pathlib import Path
from typing import Annotated

import typer

from frame_generation_pipeline.cli.options import RuntimeOptions
from frame_generation_pipeline.extras import needing_extra


def serve(
    runtime: RuntimeOptions,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback's demand tokens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")] = 8700,
    avatars: Annotated[Path | None, typer.Option(help="Folder of .avatar files, beside the presenter.")] = None,
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
) -> None:
    """Serve avatars to programs and browsers; needs the extra `[serve]`. Ends with Ctrl-C.

    **Example:** `framegen serve --avatars avatars/`
    """
    with needing_extra("serve", "the server"):
        from frame_generation_pipeline.server.running import serve as run
        from frame_generation_pipeline.server.settings import IceServer, ServerSettings, read_tokens

    settings = ServerSettings(
        host,
        port,
        avatars,
        {} if token_file is None else read_tokens(token_file),
        tuple(allow_host or ()),
        tuple(allow_origin or ()),
        live_size=live_size,
        ice_servers=tuple(IceServer.of(text) for text in ice_server or ()),
        certificate=certificate,
        key=key,
        runtime=runtime.value(),
    )
    run(settings, lambda address: typer.echo(f"serving at {address}"))
