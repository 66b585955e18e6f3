import shutil
from pathlib import Path

import pytest

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.server.catalogue import Catalogue
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.speaking.engine import Engine
from serving import AVATARS, TINY


def test_avatars_share_the_memory_for_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        shutil.copytree(AVATARS / TINY, tmp_path / name)
    settings = ServerSettings(avatars=tmp_path)
    states = Catalogue(settings, Engine(0)).load("one").states
    assert states is not None
    assert states.places == 4  # all there are
    monkeypatch.setattr("frame_generation_pipeline.server.catalogue.MOST_FACES", states.most_bytes * 3 // 2)
    catalogue = Catalogue(settings, Engine(0))
    assert [catalogue.load(name).states.places for name in ("one", "two")] == [4, 2]  # type: ignore[union-attr]


def test_one_file_keeps_the_faces_of_one_avatar(tmp_path: Path) -> None:
    runtime = Runtime(cache_file=tmp_path / "faces")
    Catalogue(ServerSettings(runtime=runtime), Engine(0))  # the presenter alone
    shutil.copytree(AVATARS / TINY, tmp_path / "avatars" / "one")
    with pytest.raises(OptionError, match="faces: the file keeps the faces of one avatar, and here are 2"):
        Catalogue(ServerSettings(avatars=tmp_path / "avatars", runtime=runtime), Engine(0))
