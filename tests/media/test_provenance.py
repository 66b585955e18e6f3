import struct
import subprocess
import zlib
from pathlib import Path
from shutil import which
from typing import Any
from xml.etree import ElementTree

import av
import cv2
import numpy as np
import pytest

from frame_generation_pipeline.errors import MissingFileError, VideoError
from frame_generation_pipeline.media.frames_folder import FrameFolderWriter
from frame_generation_pipeline.media.provenance import SOURCE_TYPE, XMP, marked_image, read_source_type
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.media.video_writer import VideoWriter
from samples import write_wav

FRAME = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".png", ".jpg")


def generated(folder: Path, suffix: str, **options: Any) -> Path:
    """A generated file: a video with audio, or an image."""
    if suffix in (".png", ".jpg"):
        with FrameFolderWriter(folder, suffix[1:], **options) as images:
            return images.write(FRAME)
    folder.mkdir(exist_ok=True)
    path = folder / f"o{suffix}"
    with VideoWriter(path, (64, 48), 25, audio_path=write_wav(folder / "a.wav", 0.2), **options) as video:
        for _ in range(5):
            video.write(FRAME)
    return path


def test_packet() -> None:
    root = ElementTree.fromstring(XMP.split("?>", 1)[1].rsplit("<?", 1)[0])
    element = root.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert element is not None
    assert element.text == SOURCE_TYPE == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_generated_file_says_so_unless_told_not_to(tmp_path: Path, suffix: str) -> None:
    path = generated(tmp_path / "on", suffix)
    assert read_source_type(path) == SOURCE_TYPE
    plain = generated(tmp_path / "off", suffix, provenance=False)
    assert read_source_type(plain) is None
    assert b"trainedAlgorithmicMedia" not in plain.read_bytes()
    for ours, without in zip(read_frames(path), read_frames(plain), strict=True):
        np.testing.assert_array_equal(ours, without)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_read_it(tmp_path: Path, suffix: str) -> None:
    if not which("exiftool"):
        pytest.skip("exiftool is absent")
    command = ["exiftool", "-s3", "-DigitalSourceType", str(generated(tmp_path, suffix))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == SOURCE_TYPE


@pytest.mark.parametrize("suffix", [".mp4", ".m4v"])
def test_boxes_fill_the_file(tmp_path: Path, suffix: str) -> None:
    data, names, at = generated(tmp_path, suffix).read_bytes(), [], 0
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        names.append(name)
        at += size
    assert at == len(data)
    assert names[0] == b"ftyp"
    assert names[-1] == b"uuid"
    assert data[-size + 8 :] == bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP.encode()


def test_chunks_of_png(tmp_path: Path) -> None:
    data, at, chunks = generated(tmp_path, ".png").read_bytes(), 8, {}
    while at < len(data):
        (size,), name = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        chunks[name] = data[at + 8 : at + 8 + size]
        (stated,) = struct.unpack(">I", data[at + 8 + size : at + 12 + size])
        assert stated == zlib.crc32(data[at + 4 : at + 8 + size])
        at += 12 + size
    assert list(chunks)[:2] == [b"IHDR", b"iTXt"]
    assert chunks[b"iTXt"].endswith(XMP.encode())


def test_jpeg_without_jfif() -> None:
    data = cv2.imencode(".jpg", FRAME)[1].tobytes()
    bare = data[:2] + data[2 + 2 + int.from_bytes(data[4:6], "big") :]
    assert marked_image(bare)[2:4] == b"\xff\xe1"
    assert marked_image(data)[2:4] == b"\xff\xe0"
    for marked in (marked_image(bare), marked_image(data)):
        np.testing.assert_array_equal(
            cv2.imdecode(np.frombuffer(marked, np.uint8), 1), cv2.imdecode(np.frombuffer(data, np.uint8), 1)
        )


def test_what_is_no_generated_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        read_source_type(tmp_path / "nowhere.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError, match=r"text\.mp4"):
        read_source_type(tmp_path / "text.mp4")
    assert read_source_type(write_wav(tmp_path / "a.wav", 0.1)) is None


def test_the_title_of_a_video_is_nobody_elses(tmp_path: Path) -> None:
    """Nothing but the mark is added to the metadata."""
    with av.open(str(generated(tmp_path, ".mkv"))) as container:
        assert {name.upper() for name in container.metadata} <= {"DIGITAL_SOURCE_TYPE", "ENCODER"}
