import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from frame_generation_pipeline.server.settings import Limits, ServerSettings
from frame_generation_pipeline.server.tokens import COOKIE
from serving import Running

TOKEN = "a-secret-that-nobody-guesses"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8700", "", "localhost@evil.example"])
def test_other_names_are_refused(server: Running, host: str) -> None:
    answer = server.client.get("/v1/avatars", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "unknown_host"


def test_names_can_be_allowed(serve: Callable[[ServerSettings], Running]) -> None:
    server = serve(ServerSettings(port=0, hosts=("Avatars.Example",), origins=("https://site.example",)))
    assert server.client.get("/healthz", headers={"host": "avatars.example"}).status_code == 200
    assert server.client.get("/v1/avatars", headers={"origin": "https://site.example"}).status_code == 200
    assert server.client.get("/v1/avatars", headers={"origin": "https://other.example"}).status_code == 403


def test_pages_of_other_sites_are_refused(server: Running) -> None:
    own = server.address
    for origin in ("https://evil.example", "null", own.replace("127.0.0.1", "localhost"), own + "0"):
        answer = server.client.get("/v1/avatars", headers={"origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin"), origin
    assert server.client.get("/v1/avatars", headers={"origin": own}).status_code == 200


def test_tokens_are_demanded_and_traded_for_a_cookie(serve: Callable[[ServerSettings], Running]) -> None:
    server = serve(ServerSettings(port=0, tokens={"ada": TOKEN}))
    client = server.client
    assert client.get("/healthz").status_code == 200
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        answer = client.get("/v1/avatars", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get(f"/v1/avatars?token={TOKEN}").status_code == 401  # never in an address
    assert client.get("/v1/avatars", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200

    assert client.post("/v1/login", headers={"authorization": "Bearer wrong"}).status_code == 401
    answer = client.post("/v1/login", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/v1/avatars").status_code == 200
    kept = client.cookies[COOKIE]
    client.delete("/v1/login")
    client.cookies.set(COOKIE, kept)
    assert client.get("/v1/avatars").status_code == 401


def test_long_bodies_are_refused(serve: Callable[[ServerSettings], Running]) -> None:
    server = serve(ServerSettings(port=0, limits=Limits(body=1000)))
    assert server.client.post("/v1/login", content=b"x" * 1001).status_code == 413
    assert server.client.post("/v1/login", content=b"x" * 1000).status_code == 204
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:  # a length that is no number
        raw.sendall(b"POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")
        assert b" 4" in raw.recv(1000)[:13]


def test_answers_stay_on_this_site(server: Running) -> None:
    headers = server.client.get("/v1/avatars").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


def test_other_avatars_stay_in_their_folder(server: Running, avatars: Path) -> None:
    for name in ("..%2F..%2Fetc", "%2e%2e", str(avatars).replace("/", "%2F")):
        assert server.client.get(f"/v1/avatars/{name}/preview").status_code == 404
