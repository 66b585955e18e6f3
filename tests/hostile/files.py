"""The readers that hostile files are given to, and good files to begin from."""

import json
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from frame_generation_pipeline.evaluate.subject import choose_frames
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.template.prepared import recording_cuts
from frame_generation_pipeline.template.template import Template
from hostile.case import Content
from samples import seeded_network, write_template

# Readers


def whole_audio(path: Path) -> None:
    probe_audio(path)
    for _ in decode_audio(path):
        pass


def whole_video(path: Path) -> None:
    for _ in read_frames(path):
        pass


def recording(path: Path) -> None:
    for _ in Recording.open(path).frames(25):
        pass


def template_of(path: Path) -> None:
    """The template whose file this is."""
    Template.open(path.parents[1], parsing=path.parent.name == "parsing")


def template_frame(path: Path) -> None:
    Template.open(path.parents[1]).read(0)


def summary(path: Path) -> None:
    recording_cuts(path.parent)


def training(path: Path) -> None:
    choose_frames(path.parent / "generator.pth", 100, 25)


# Good files


def audio(kind: str, codec: str, samples: int = 1600, layout: str = "mono") -> bytes:
    file = BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=16_000, layout=layout)
        assert isinstance(stream, av.AudioStream)
        values = (0.3 * np.sin(np.arange(samples) / 9)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(values[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 0
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=16_000)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


def video(kind: str = "mp4", times: tuple[int, ...] = (0, 1, 2)) -> bytes:
    file = BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.full((24, 32, 3), 90, np.uint8), format="bgr24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def wav(
    samples: bytes = b"\0\0" * 800, *, channels: int = 1, rate: int = 16_000, bits: int = 16, tag: int = 1
) -> bytes:
    block = channels * bits // 8
    header = struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, data: bytes | None = None, *, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that states this size; data: of its only IDAT."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    idat = zlib.compress(b"\0" * ((1 + 3 * width) * height)) if data is None else data
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def npy(header: str, data: bytes = b"", *, version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


def saved(values: object) -> bytes:
    file = BytesIO()
    torch.save(values, file)
    return file.getvalue()


def nested() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that such tensors are new
        return torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])


def generator(**changed: torch.Tensor) -> bytes:
    return saved(seeded_network().state_dict() | changed)


def model(nodes: list[onnx.NodeProto], *, inputs: int = 1, initializers: tuple[onnx.TensorProto, ...] = ()) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(f"x{index}", TensorProto.FLOAT, ["n", 2]) for index in range(inputs)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(initializers),
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


RELU = model([helper.make_node("Relu", ["x0"], ["y"])])
LANDMARKS = "\n".join(f"{x}.5 {x}" for x in range(110)).encode()
SUMMARY = json.dumps({"ranges": [{"first": 0}, {"first": 5}]}).encode()


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch escaped",)


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def described(values: bytes, **shape: object) -> Callable[[Path], None]:
    """A .bin of these values, whose description says that."""

    def write(path: Path) -> None:
        path.write_bytes(values)
        path.with_name(path.name + ".json").write_text(json.dumps(shape))

    return write


def in_template(part: str, content: Content) -> Callable[[Path], None]:
    """A template in which the file is this one; path: the file that is written."""

    def write(path: Path) -> None:
        write_template(path.parents[1], 3, parsing=part == "parsing")
        path.unlink(missing_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)

    return write
