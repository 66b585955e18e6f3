"""Packages of the tiny generator, and what changes them on their way to a reader."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.pack import PackReport, pack_avatar
from samples import write_template


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of four frames with parsing images."""
    return write_template(tmp_path_factory.mktemp("recording") / "may", 4, parsing=True)


@pytest.fixture(scope="session")
def packed(
    tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, recording: Path, encoder_path: Path
) -> PackReport:
    """A folder with everything a package can have."""
    output = tmp_path_factory.mktemp("packed") / "may"
    return pack_avatar(
        output,
        checkpoint=checkpoint,
        template=recording,
        encoder=encoder_path,
        label=Label(licence="CC0-1.0", credits=("May",)),
    )


@pytest.fixture(scope="session")
def _light(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, recording: Path) -> Path:
    output = tmp_path_factory.mktemp("light") / "may"
    pack_avatar(output, checkpoint=checkpoint, template=recording, parsing=False)
    return output


@pytest.fixture
def light(_light: Path, tmp_path: Path) -> Path:
    """A folder to tamper with, without parsing images and audio program."""
    return Path(shutil.copytree(_light, tmp_path / "may"))


@pytest.fixture
def edit(light: Path) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """`edit(change)` changes the manifest of `light`."""

    def edit(change: Callable[[dict[str, Any]], object]) -> None:
        path = light / "avatar.json"
        manifest = json.loads(path.read_bytes())
        change(manifest)
        path.write_text(json.dumps(manifest))

    return edit


@pytest.fixture
def replace(light: Path, edit: Callable[[Callable[[dict[str, Any]], object]], None]) -> Callable[[str, bytes], None]:
    """`replace(name, data)` puts another file into `light`, and its size and hash into the manifest."""

    def replace(name: str, data: bytes) -> None:
        (light / name).write_bytes(data)
        entry = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        edit(lambda manifest: manifest["files"].update({name: entry}))

    return replace
