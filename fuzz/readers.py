"""Every reader as a function of bytes, and small audio files to start from, for the fuzzers and the tests.

`READERS[name](data, folder)` lets a reader see `data` as a file in `folder`; whatever comes out other than a result or
a FrameGenerationError of one printable line is a bug.
"""

import json
import struct
import zipfile
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import FrameGenerationError
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.making.checkpoint import read_tensors, recognise_specs
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.provenance import read_source_type
from frame_generation_pipeline.media.video_reader import read_frames, read_image
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest_reader import read_manifest
from frame_generation_pipeline.package.program_reader import read_signature
from frame_generation_pipeline.package.refusal import Refusal
from frame_generation_pipeline.package.template import decode_image
from frame_generation_pipeline.template.landmarks import read_landmarks
from frame_generation_pipeline.template.prepared import SUMMARY, recording_cuts

Reader = Callable[[bytes, Path], object]


def checked(read: Callable[[], object], name: str = "") -> None:
    """Run a reader; raises AssertionError when its refusal is not one printable line that names the file."""
    try:
        read()
    except (FrameGenerationError, Refusal) as error:
        text = str(error)
        assert text
        assert text.isprintable(), text
        assert name in text, text


def _named(name: str, *reads: Callable[[Path], object]) -> Reader:
    def read(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        for one in reads:
            checked(partial(one, path), name)

    return read


def _audio(path: Path) -> None:
    probe_audio(path)
    for _ in islice(decode_audio(path), 100):
        pass


def _video(path: Path) -> None:
    for _ in islice(read_frames(path), 5):
        pass


def _bin(data: bytes, folder: Path) -> None:
    """The first two bytes say how many bytes of values come before the description."""
    size = int.from_bytes(data[:2], "little")
    (folder / "x.bin").write_bytes(data[2 : 2 + size])
    (folder / "x.bin.json").write_bytes(data[2 + size :])
    checked(lambda: AudioFeatures.load(folder / "x.bin"), "x.bin")


def _onnx(path: Path) -> None:
    checked(lambda: read_signature(path.read_bytes()))
    OnnxGenerator(path)


def _package_image(data: bytes, folder: Path) -> None:
    for kind in ("png", "jpg"):
        checked(partial(decode_image, data, "frame", kind, (16, 12)))


def _manifest(data: bytes, folder: Path) -> None:
    checked(lambda: read_manifest(data))


READERS: dict[str, Reader] = {
    "audio": _named("x.wav", _audio),
    "npy": _named("x.npy", AudioFeatures.load),
    "bin": _bin,
    "lms": _named("0.lms", read_landmarks),
    "jpg": _named("0.jpg", image_size, read_image, read_source_type),
    "png": _named("0.png", image_size, read_image, read_source_type),
    "image": _package_image,
    "pth": _named("x.pth", lambda path: recognise_specs(read_tensors(path), path)),
    "safetensors": _named("x.safetensors", lambda path: recognise_specs(read_tensors(path), path)),
    "onnx": _named("x.onnx", _onnx),
    "avatar": _named("x.avatar", open_package),
    "manifest": _manifest,
    "prepared": _named(SUMMARY, lambda path: recording_cuts(path.parent)),
    "mp4": _named("x.mp4", _video, _audio, read_source_type),
}


def audio(kind: str, codec: str, rate: int = 16_000, seconds: float = 0.1) -> bytes:
    """A small file of FFmpeg's format `kind`."""
    file = BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        samples = (0.3 * np.sin(np.arange(round(rate * seconds)) / 9)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=stream.rate)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


RECORDINGS = {
    "wav": ("wav", "pcm_s16le"),
    "flac": ("flac", "flac"),
    "mp3": ("mp3", "libmp3lame"),
    "ogg": ("ogg", "flac"),
    "opus": ("ogg", "libopus"),
    "m4a": ("ipod", "aac"),
    "mka": ("matroska", "aac"),
    "aiff": ("aiff", "pcm_s16be"),
}


def video(kind: str = "mp4", frames: int = 3) -> bytes:
    """A small video with images alone."""
    file = BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for index in range(frames):
            image = np.full((24, 32, 3), 40 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def image(suffix: str) -> bytes:
    """A small image."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.imencode(suffix, noise)[1].tobytes()


def npy(values: npt.NDArray[Any]) -> bytes:
    """An array file."""
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


def seeds() -> dict[str, list[bytes]]:
    """Good files for each reader."""
    import torch
    from onnx import TensorProto, helper
    from safetensors.torch import save

    values = np.zeros((2, 512), np.float32)
    described = json.dumps({"num_frames": 2, "feature_size": 512, "shape": [2, 512]}).encode()
    tensors = {
        "inc.inconv.0.conv.6.weight": torch.zeros(4, 4, 1, 1),
        "audio_model.conv1.conv.0.weight": torch.zeros(2, 32, 3, 3),
    }
    stored = BytesIO()
    torch.save(tensors, stored)
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("avatar.json", "{}")
    recordings = [audio(*kind) for kind in RECORDINGS.values()]
    return {
        "audio": recordings,
        "npy": [npy(values), npy(values.astype(np.float64))],
        "bin": [struct.pack("<H", values.nbytes) + values.tobytes() + described],
        "lms": ["\n".join(f"{x}.5 {x}" for x in range(110)).encode()],
        "jpg": [image(".jpg")],
        "png": [image(".png")],
        "image": [image(".jpg"), image(".png")],
        "pth": [stored.getvalue()],
        "safetensors": [save(tensors)],
        "onnx": [model.SerializeToString()],
        "avatar": [archive.getvalue()],
        "manifest": [json.dumps(_small_manifest()).encode()],
        "prepared": [json.dumps({"ranges": [{"first": 0}, {"first": 5}]}).encode()],
        "mp4": [video(), audio("mp4", "aac")],
    }


def _small_manifest() -> dict[str, object]:
    names = ["frames/00000.jpg", "landmarks.bin", "preview.jpg", "programs/face.onnx", "programs/render.onnx"]
    return {
        "format": "framegen-avatar",
        "version": 1,
        "name": "May",
        "licence": "",
        "credits": ["x"],
        "fps": 25,
        "generator": {"face": "160", "audio": {"name": "ave", "feature_size": 512}, "width": 4},
        "frame": {"width": 128, "height": 96, "count": 1, "format": "jpg"},
        "boxes": [[20, 20, 48]],
        "parsing": False,
        "programs": {"face": "programs/face.onnx", "render": "programs/render.onnx"},
        "precision": "fp32",
        "files": {name: {"size": 440, "sha256": "0" * 64} for name in names},
    }
