from pathlib import Path

import pytest

from frame_generation_pipeline.errors import MissingFileError, OptionError
from frame_generation_pipeline.server.settings import ServerSettings, is_loopback, read_tokens

TOKEN = "0123456789abcdef"


def test_other_addresses_demand_tokens() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(OptionError, match="--token-file"):
            ServerSettings(host)
        assert ServerSettings(host, tokens={"ada": TOKEN}).host == host
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))


def test_options_that_cannot_be(tmp_path: Path) -> None:
    for impossible in ({"port": 70_000}, {"live_size": 8}, {"certificate": tmp_path / "a.pem"}):
        with pytest.raises(OptionError):
            ServerSettings(**impossible)
    with pytest.raises(MissingFileError, match=r"a\.pem"):
        ServerSettings(certificate=tmp_path / "a.pem", key=tmp_path / "b.pem")


def test_token_files(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    with pytest.raises(MissingFileError):
        read_tokens(path)
    path.write_text(f"# clients\n\nada: {TOKEN}\nbob:{TOKEN}:2\n")
    assert read_tokens(path) == {"ada": TOKEN, "bob": f"{TOKEN}:2"}
    for wrong in ("ada", "ada:short", f":{TOKEN}", f"ada:{TOKEN}\nada:{TOKEN}2", f"ada:{TOKEN}\nbob:{TOKEN}", "# none"):
        path.write_text(wrong)
        with pytest.raises(OptionError, match="tokens") as refused:
            read_tokens(path)
        assert TOKEN not in str(refused.value)
    path.write_bytes(b"\xff")
    with pytest.raises(OptionError, match="UTF-8"):
        read_tokens(path)
