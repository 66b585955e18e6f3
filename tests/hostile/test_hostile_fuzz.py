"""Good files with a few bytes changed, cut out or doubled: a result or one line, whatever hypothesis thinks of."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[2] / "fuzz"))

from readers import READERS, seeds

SEEDS = seeds()
EXAMPLES = {"onnx": 40, "pth": 25, "safetensors": 25, "audio": 40, "mp4": 25}  # 60 of the others; these take longer

Change = tuple[str, float, float, bytes]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "insert", "remove", "double"]),
        st.floats(0, 1),
        st.floats(0, 1),
        st.binary(min_size=1, max_size=8)
        | st.sampled_from([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"[" * 2000, b"1e999", b"9" * 5000]),
    ),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, changes: list[Change]) -> bytes:
    for how, place, length, piece in changes:
        # Most formats decide at the beginning what the rest is.
        at = int(place**3 * len(data))
        end = min(at + int(length**4 * len(data)) + 1, len(data))
        if how == "put":
            data = data[:at] + piece + data[at + len(piece) :]
        elif how == "insert":
            data = data[:at] + piece + data[at:]
        elif how == "remove":
            data = data[:at] + data[end:]
        else:
            data = data[:end] + data[at:]
    return data


@pytest.mark.parametrize("name", READERS)
def test_changed_files(name: str, tmp_path: Path) -> None:
    @settings(
        max_examples=EXAMPLES.get(name, 60),
        deadline=60_000,  # ms of the clock; a tenth of that suffices alone
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(SEEDS[name]), CHANGES)
    def run(seed: bytes, changes: list[Change]) -> None:
        READERS[name](changed(seed, changes), tmp_path)

    run()
    assert len(list(tmp_path.iterdir())) <= 2
