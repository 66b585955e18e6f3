"""WAV files that hold more than their first header states are read to the end, without the headers inside."""

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.joined_wav import JoinedWav, find_pieces


def ramp(first: int, count: int) -> npt.NDArray[np.int16]:
    return np.arange(first, first + count, dtype="<i2")


def wav(samples: npt.NDArray[Any], rate: int = 16_000) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setparams((1, samples.dtype.itemsize, rate, 0, "NONE", "NONE"))
        file.writeframes(samples.tobytes())
    return memory.getvalue()


def stating(data: bytes, size: int) -> bytes:
    """The file with another size of its audio in the header."""
    return data[:40] + size.to_bytes(4, "little") + data[44:]


def decoded(path: Path) -> Samples:
    return np.concatenate(list(decode_audio(path))) * 2**15


A, B, C = ramp(0, 1600), ramp(2000, 801), ramp(5000, 40_000)
EXTRA = b"LIST" + (5).to_bytes(4, "little") + b"INFO." + b"\0"  # of odd length, and so filled up


@pytest.mark.parametrize(
    "data",
    [
        wav(A) + wav(B) + wav(C),
        wav(A) + EXTRA + wav(B) + EXTRA + wav(C) + EXTRA,
        stating(wav(A), 0) + stating(wav(B), 0) + stating(wav(C), 0),
        stating(wav(A), 2**32 - 1) + stating(wav(B), 2**32 - 1) + stating(wav(C), 2**32 - 1),
        stating(wav(np.concatenate([A, B, C])), 3200),
        stating(wav(A), 10**6) + wav(B) + wav(C),
    ],
    ids=["joined", "with more chunks", "sizes of 0", "sizes unknown", "size of the first piece", "size too large"],
)
def test_read_to_the_end(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    expected = np.concatenate([A, B, C])
    np.testing.assert_array_equal(decoded(path), expected)
    assert probe_audio(path).duration == len(expected) / 16_000
    np.testing.assert_array_equal(
        np.concatenate(list(decode_audio(path, start=0.1, end=0.2))) * 2**15, expected[1600:3200]
    )


@pytest.mark.parametrize(
    "data",
    [
        wav(A),
        wav(A) + EXTRA,
        stating(wav(A), 0),
        stating(wav(A), 2**32 - 1),
        wav(A)[:1000],
        b"RIFF",
        b"",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata",
        b"no audio at all, but text that is long enough",
    ],
)
def test_other_files_are_as_they_were(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    assert find_pieces(tmp_path / "a.wav") is None


def test_silence_behind_the_stated_size_is_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(stating(wav(np.concatenate([A, np.zeros(500, "<i2"), B])), 3200))
    np.testing.assert_array_equal(decoded(path), np.concatenate([A, np.zeros(500), B]))


def test_pieces_of_odd_length(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    odd = np.arange(101, dtype=np.uint8)
    path.write_bytes(wav(odd) + wav(odd[:50]))  # Python's module leaves the byte out that fills it up
    assert len(decoded(path)) == 151
    path.write_bytes(wav(odd) + b"\0" + wav(odd[:50]))
    assert len(decoded(path)) == 151


def test_other_formats_inside_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(A) + wav(B, rate=8000))
    with pytest.raises(AudioError, match=r"a\.wav: joins WAV files of different formats") as caught:
        probe_audio(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 44, 1000, 10**6])
def test_the_whole_is_one_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(A) + wav(B))
    pieces = find_pieces(path)
    assert pieces is not None
    joined = JoinedWav(path, pieces)
    parts = []
    while part := joined.read(size):
        parts.append(part)
    assert b"".join(parts)[40:] == (2 * len(A) + 2 * len(B)).to_bytes(4, "little") + A.tobytes() + B.tobytes()
    assert joined.tell() == joined.seek(0, 2) == 44 + 2 * len(A) + 2 * len(B)
    assert joined.seek(-4, 1) == joined.tell()
    assert joined.read() == B.tobytes()[-4:]
