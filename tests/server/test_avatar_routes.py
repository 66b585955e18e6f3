from pathlib import Path

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.errors import MissingFileError, PackageError
from frame_generation_pipeline.server.catalogue import PRESENTER_ID
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.settings import ServerSettings
from serving import TINY, Running


def test_avatars_are_listed_with_previews(server: Running) -> None:
    listed = server.client.get("/v1/avatars").json()["avatars"]
    assert [avatar["id"] for avatar in listed] == [PRESENTER_ID, TINY]
    assert all(avatar["live"] for avatar in listed)
    for avatar in listed:
        answer = server.client.get(avatar["preview"])
        assert answer.headers["content-type"] == "image/jpeg"
        assert cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR) is not None
    assert server.client.get("/v1/avatars/nobody/preview").status_code == 404


def test_the_api_describes_itself(server: Running) -> None:
    described = server.client.get("/openapi.json").json()
    assert {"/healthz", "/readyz", "/v1/avatars", "/v1/avatars/{avatar_id}/preview"} <= set(described["paths"])
    for page in ("/docs", "/redoc"):  # they would load scripts from elsewhere
        assert server.client.get(page).status_code == 404


def test_bad_avatars_are_found_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such folder"):
        Service(ServerSettings(avatars=tmp_path / "absent"))
    with pytest.raises(MissingFileError, match="holds no avatars"):
        Service(ServerSettings(avatars=tmp_path))
    (tmp_path / "may.avatar").write_bytes(b"PK\x03\x04 not one")
    with pytest.raises(PackageError, match="may"):
        Service(ServerSettings(avatars=tmp_path))
