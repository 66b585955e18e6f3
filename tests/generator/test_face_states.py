import os
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files import records
from frame_generation_pipeline.files.records import record_type
from frame_generation_pipeline.generator import face_states
from frame_generation_pipeline.generator.face_states import FaceStates, available_memory
from frame_generation_pipeline.generator.program_backend import ProgramGenerator, ProgramState
from frame_generation_pipeline.making.programs import build_face_program, build_render_program
from samples import draw, seeded_network

FRAMES = 5


@pytest.fixture(scope="module")
def generator() -> ProgramGenerator:
    network = seeded_network()
    face, render = build_face_program(network), build_render_program(network)
    return ProgramGenerator(face.SerializeToString(), render.SerializeToString(), network.spec, threads=1)


@pytest.fixture(scope="module")
def crops() -> list[Frame]:
    """Of sizes that differ from frame to frame."""
    return [np.clip(128 + 50 * draw(f"crop {i}", (60 + i, 60 + i, 3)), 0, 255).astype(np.uint8) for i in range(FRAMES)]


class Counting:
    """A generator that counts how often it encodes a face."""

    def __init__(self, generator: ProgramGenerator) -> None:
        self.generator, self.calls, self.state_tensors = generator, 0, generator.state_tensors

    def encode_face(self, crop: Frame) -> ProgramState:
        self.calls += 1
        return self.generator.encode_face(crop)


def assert_same(states: FaceStates, generator: ProgramGenerator, crops: list[Frame]) -> None:
    for index, crop in enumerate(crops):
        actual, expected = states.encode_face(index, crop), generator.encode_face(crop)
        assert actual.tensors.keys() == expected.tensors.keys()
        for name, tensor in expected.tensors.items():
            np.testing.assert_array_equal(actual.tensors[name], tensor)


@pytest.mark.parametrize("file", [None, "faces"])
@pytest.mark.parametrize(("room", "computed"), [(0, 10), (1, 9), (2.9, 8), (FRAMES, 5), (100, 5), (None, 5)])
def test_results_do_not_depend_on_the_room(
    generator: ProgramGenerator,
    crops: list[Frame],
    tmp_path: Path,
    file: str | None,
    room: float | None,
    computed: int,
) -> None:
    size = record_type([(name, *kind) for name, kind in generator.state_tensors.items()]).itemsize
    assert size % records.PAGE == 0
    counting = Counting(generator)
    states = FaceStates(
        counting,  # type: ignore[arg-type]
        FRAMES,
        budget=None if room is None else int(room * size),
        file=tmp_path / file if file else None,
    )
    for _ in range(2):
        assert_same(states, generator, crops)
    assert counting.calls == computed


def test_a_file_is_remembered_by_the_next_run(generator: ProgramGenerator, crops: list[Frame], tmp_path: Path) -> None:
    def run(fingerprint: str) -> int:
        counting = Counting(generator)
        states = FaceStates(counting, FRAMES, file=tmp_path / "faces", fingerprint=fingerprint)  # type: ignore[arg-type]
        assert_same(states, generator, crops)
        return counting.calls

    assert run("may") == FRAMES
    assert run("may") == 0
    assert run("june") == FRAMES  # another avatar's states are of no use
    assert run("may") == FRAMES
    content = (tmp_path / "faces").read_bytes()
    (tmp_path / "faces").write_bytes(content[: len(content) // 2])  # cut off
    assert run("may") == FRAMES
    (tmp_path / "faces").write_bytes(b"framegen face states 1\nof an older version")
    assert run("may") == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_other_files_stay_as_they_are(generator: ProgramGenerator, tmp_path: Path) -> None:
    document, fifo, link = tmp_path / "document", tmp_path / "fifo", tmp_path / "link"
    for content in (b"my work", b"", b"framegen"):
        document.write_bytes(content)
        with pytest.raises(OutputError, match="document: exists and is no cache file"):
            FaceStates(generator, FRAMES, file=document)
        assert document.read_bytes() == content
    os.mkfifo(fifo)
    link.symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, fifo, link, Path(os.devnull)):
        with pytest.raises(OutputError, match="is no regular file"):
            FaceStates(generator, FRAMES, file=path)
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(OutputError, match="document"):
        FaceStates(generator, FRAMES, file=document / "faces")


def test_states_that_somebody_changed(generator: ProgramGenerator, crops: list[Frame], tmp_path: Path) -> None:
    file = tmp_path / "faces"
    assert_same(FaceStates(generator, FRAMES, file=file), generator, crops)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    content[-5000] ^= 1
    file.write_bytes(content)
    counting = Counting(generator)
    assert_same(FaceStates(counting, FRAMES, file=file), generator, crops)  # type: ignore[arg-type]
    assert counting.calls == 2
    counting = Counting(generator)
    assert_same(FaceStates(counting, FRAMES, file=file), generator, crops)  # type: ignore[arg-type]
    assert counting.calls == 0


def test_a_file_that_is_cut_off_meanwhile(generator: ProgramGenerator, crops: list[Frame], tmp_path: Path) -> None:
    file = tmp_path / "faces"
    counting = Counting(generator)
    states = FaceStates(counting, FRAMES, file=file)  # type: ignore[arg-type]
    assert_same(states, generator, crops)
    os.truncate(file, 100)
    assert_same(states, generator, crops)
    os.truncate(file, 0)
    assert_same(states, generator, crops)
    assert counting.calls > FRAMES


def test_no_room_on_the_disk(generator: ProgramGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OutputError, match="No space left"):
        FaceStates(generator, FRAMES, file=tmp_path / "faces")
    assert list(tmp_path.iterdir()) == []


def test_memory_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_memory() > 2**20

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    assert available_memory() == face_states.SHARE_OF_FREE * face_states.MOST_MEMORY
