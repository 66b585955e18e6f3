"""`/`: the page, one file that loads nothing from elsewhere."""

import secrets
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

router = APIRouter()

PAGE, SCRIPT = Path(__file__).with_name("page.html"), Path(__file__).with_name("videos.js")
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'nonce-{nonce}'; img-src 'self' data:;"
    " media-src 'self' blob: mediastream:; connect-src 'self' {sockets}; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def page(request: Request) -> HTMLResponse:
    """The page; its policy lets the browser run no other script and ask no other server."""
    nonce, host = secrets.token_urlsafe(16), request.headers["host"]
    headers = {
        "content-security-policy": POLICY.format(nonce=nonce, sockets=f"ws://{host} wss://{host}"),
        "permissions-policy": "microphone=(self), camera=()",
    }
    return HTMLResponse(PAGE.read_text("utf-8").replace("{nonce}", nonce), headers=headers)


@router.get("/videos.js", include_in_schema=False)
def videos_script() -> Response:
    """The page's part that has videos made."""
    return Response(SCRIPT.read_text("utf-8"), media_type="text/javascript")


@router.get("/favicon.ico", include_in_schema=False)
def icon() -> Response:
    """No icon, which browsers ask for by themselves."""
    return Response(status_code=204)
