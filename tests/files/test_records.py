"""Records that are kept in memory or in a file."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.files.records import PAGE, FileRecords, MemoryRecords, RecordFile, Records, record_type

KINDS = [
    record_type([("tensor", np.float32, (2, 3)), ("bytes", np.uint8, (PAGE,))]),
    record_type([("image", np.uint8, (30, 3))]),
]
PLACES = 3


def in_file(path: Path) -> list[Records]:
    whole = RecordFile(path, b"kind ", b"kind 1 of these", PLACES, [kind.itemsize for kind in KINDS])
    return [FileRecords(whole, part, kind) for part, kind in enumerate(KINDS)]


def arrays(index: int) -> dict[str, npt.NDArray[Any]]:
    return {"tensor": np.full((2, 3), index + 0.5, np.float32), "bytes": np.full(PAGE, index, np.uint8)}


def test_records_fill_whole_pages() -> None:
    assert [kind.itemsize for kind in KINDS] == [2 * PAGE, PAGE]


@pytest.mark.parametrize("where", ["memory", "file"])
def test_what_is_kept_is_found(where: str, tmp_path: Path) -> None:
    kept = [MemoryRecords(kind, PLACES) for kind in KINDS] if where == "memory" else in_file(tmp_path / "records")
    states, images = kept
    for index in (2, 0, PLACES):  # the last one has no place
        states.keep(index, arrays(index))
    images.keep(2, {"image": np.full((4, 3), 9, np.uint8)})  # shorter than its place
    for index in (0, 2):
        record = states.find(index)
        assert record is not None
        for name, array in arrays(index).items():
            np.testing.assert_array_equal(record[name], array)
    assert [states.find(index) for index in (1, PLACES)] == [None, None]
    assert [images.find(index) for index in (0, 1)] == [None, None]
    record = images.find(2)
    assert record is not None
    np.testing.assert_array_equal(record["image"], np.repeat([9, 0], [4, 26])[:, np.newaxis].repeat(3, axis=1))


def test_any_changed_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "records"
    in_file(path)[0].keep(1, arrays(1))
    content = path.read_bytes()
    begin = content.index(arrays(1)["tensor"].tobytes())
    for place in (begin, begin + PAGE, begin + 2 * PAGE - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 128]) + content[place + 1 :])
        assert in_file(path)[0].find(1) is None
    path.write_bytes(content)
    assert in_file(path)[0].find(1) is not None
