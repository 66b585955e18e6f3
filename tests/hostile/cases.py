"""Files that are not what they seem, for every reader; each must be refused in one line that names it.

`CASES[name]` writes one into a folder and says how it is read. They run in a process of their own, see `worker.py`.
"""

import json
import os
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import cv2
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.cli.info import describe
from frame_generation_pipeline.evaluate.phones import read_phones
from frame_generation_pipeline.evaluate.subject import choose_frames
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.making.checkpoint import read_tensors
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.video_reader import read_frames, read_image
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.template.landmarks import read_landmarks
from frame_generation_pipeline.template.prepared import recording_cuts
from frame_generation_pipeline.template.template import Template
from samples import seeded_network, write_template

Content = bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A file `name` of some content, and what reads it."""

    name: str
    content: Content
    read: Callable[[Path], object]

    def write(self, folder: Path) -> Path:
        """Write the file."""
        path = folder / self.name
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path


CASES: dict[str, Case] = {}


def add(kind: str, what: str, name: str, content: Content, *reads: Callable[[Path], object]) -> None:
    for index, read in enumerate(reads):
        key = f"{kind}: {what}" + (f", read {index + 1}" if index else "")
        assert key not in CASES
        CASES[key] = Case(name, content, read)


# Readers


def whole_sound(path: Path) -> None:
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


def sound(kind: str, codec: str, samples: int = 1600, layout: str = "mono") -> bytes:
    file = BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=16_000, layout=layout)
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


# What can be wrong with every kind of file

RANDOM = np.random.default_rng(3).bytes(5000)
ANYTHING: dict[str, Content] = {
    "empty": b"",
    "one byte": b"\0",
    "random": RANDOM,
    "zeros": b"\0" * 5000,
    "text": b"This is no such file.\n" * 30,
    "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "pickle": pickle.dumps({"a": [1, 2, 3]}),
    "folder": Path.mkdir,
    "missing": lambda path: None,
    "pipe": os.mkfifo,
}
KINDS: dict[str, tuple[str, tuple[Callable[[Path], object], ...]]] = {
    "wav": ("sound.wav", (whole_sound,)),
    "mp3": ("sound.mp3", (whole_sound,)),
    "m4a": ("sound.m4a", (whole_sound,)),
    "npy": ("features.npy", (AudioFeatures.load,)),
    "bin": ("features.bin", (AudioFeatures.load,)),
    "lms": ("0.lms", (read_landmarks,)),
    "phones": ("phones.json", (read_phones,)),
    "jpg": ("0.jpg", (image_size, read_image)),
    "png": ("0.png", (image_size, read_image)),
    "pth": ("5.pth", (read_tensors,)),
    "safetensors": ("5.safetensors", (read_tensors,)),
    "onnx": ("unet.onnx", (OnnxGenerator,)),
    "audio program": ("encoder.onnx", (load_encoder,)),
    "avatar": ("may.avatar", (verify_package,)),
    "mp4": ("video.mp4", (recording,)),
    "info": ("thing.dat", (describe,)),
}
for _kind, (_name, _reads) in KINDS.items():
    for _what, _content in ANYTHING.items():
        add(_kind, _what, _name, _content, *_reads)

# One kind of file under the name of another

GOOD = {
    "wav": wav(),
    "mp4": video(),
    "png": png(16, 12),
    "npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 512), }", b"\0" * 2048),
    "pth": saved({"a": torch.zeros(3)}),
    "safetensors": save({"a": torch.zeros(3)}),
    "onnx": RELU,
    "avatar": zipped({"avatar.json": b"{}"}),
}
for _kind, _taken in (
    ("wav", ("png", "npy", "pth", "onnx", "avatar")),
    ("npy", ("wav", "png", "safetensors", "avatar")),
    ("jpg", ("wav", "mp4", "npy")),
    ("png", ("mp4", "pth", "npy")),
    ("pth", ("wav", "npy", "onnx", "safetensors", "avatar")),
    ("safetensors", ("pth", "npy")),
    ("onnx", ("pth", "png", "wav")),
    ("avatar", ("pth", "mp4", "png")),
    ("mp4", ("npy", "pth", "wav")),
):
    for _other in _taken:
        add(_kind, f"is {_other}", KINDS[_kind][0], GOOD[_other], *KINDS[_kind][1][-1:])

# Sounds

for _kind, _codec in {
    "wav": "pcm_s16le",
    "flac": "flac",
    "mp3": "libmp3lame",
    "ogg": "libopus",
    "ipod": "aac",
    "matroska": "aac",
    "aiff": "pcm_s16be",
}.items():
    _data = sound(_kind, _codec)
    for _share in (0.003, 0.007):
        add(_kind, f"cut off at {_share:.1%}", f"sound.{_kind}", _data[: max(int(_share * len(_data)), 4)], whole_sound)
add("wav", "no samples", "sound.wav", wav(b""), whole_sound)
add("wav", "no channels", "sound.wav", wav(channels=0), whole_sound)
add("wav", "255 channels", "sound.wav", wav(channels=255, samples=b"\0" * 51_000), whole_sound)
add("wav", "rate 0", "sound.wav", wav(rate=0), whole_sound)
add("wav", "rate 1", "sound.wav", wav(rate=1), whole_sound)
add("wav", "rate of 4 GHz", "sound.wav", wav(rate=2**32 - 1), whole_sound)
add("wav", "unknown codec", "sound.wav", wav(tag=0x7777), whole_sound)
add("wav", "not finite", "sound.wav", wav(struct.pack("<f", float("nan")) * 400, bits=32, tag=3), whole_sound)
add("wav", "of 3e38", "sound.wav", wav(struct.pack("<f", 3e38) * 400, bits=32, tag=3), whole_sound)
add("wav", "infinite", "sound.wav", wav(struct.pack("<f", float("inf")) * 400, bits=32, tag=3), whole_sound)
add("mp4", "no sound", "video.mp4", video(), whole_sound)
for _what, _text in {
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.wav\n#EXT-X-ENDLIST\n",
    "playlist of the network": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "list of files": "ffconcat version 1.0\nfile other.wav\n",
    "session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "manifest of streams": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
}.items():

    def _playlist(path: Path, text: str = _text) -> None:
        path.write_text(text)
        path.with_name("other.wav").write_bytes(wav())

    for _suffix in ("m3u8", "wav", "mp4"):
        add(_suffix, _what, f"sound.{_suffix}", _playlist, whole_sound)

# Audio features

_F4 = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
add(
    "npy",
    "of objects",
    "f.npy",
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 512), }", b"x"),
    AudioFeatures.load,
)
add("npy", "header open", "f.npy", npy("{'descr': '<f4', 'shape': (2, 512"), AudioFeatures.load)
add("npy", "header is code", "f.npy", npy("__import__('os').system('touch escaped')"), AudioFeatures.load)
add("npy", "header nested deep", "f.npy", npy("(" * 9000 + ")" * 9000), AudioFeatures.load)
add("npy", "header of minuses", "f.npy", npy("-" * 9000 + "1"), AudioFeatures.load)
add("npy", "huge shape", "f.npy", npy(_F4 % "(4611686018427387904, 512)", b"\0" * 64), AudioFeatures.load)
add("npy", "shape of 400 digits", "f.npy", npy(_F4 % f"({'9' * 400}, 512)", b"\0" * 64), AudioFeatures.load)
add("npy", "negative shape", "f.npy", npy(_F4 % "(-1, 512)", b"\0" * 2048), AudioFeatures.load)
add("npy", "no rows", "f.npy", npy(_F4 % "(0, 512)"), AudioFeatures.load)
add("npy", "fewer bytes than it says", "f.npy", npy(_F4 % "(9, 512)", b"\0" * 2048), AudioFeatures.load)
add("npy", "unknown version", "f.npy", npy(_F4 % "(1, 512)", b"\0" * 2048, version=b"\x09\0"), AudioFeatures.load)
add(
    "npy",
    "texts",
    "f.npy",
    npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1, 512), }", b"\0" * 8192),
    AudioFeatures.load,
)
add("npy", "not finite", "f.npy", npy(_F4 % "(1, 512)", b"\xff" * 2048), AudioFeatures.load)
for _descr in ("<c8", "<M8[s]", "|b1", "<i4", "|V8", "|S4"):
    _header = f"{{'descr': '{_descr}', 'fortran_order': False, 'shape': (2, 512), }}"
    add("npy", f"of type {_descr}", "f.npy", npy(_header, b"\0" * 16384), AudioFeatures.load)
_FIELDS = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 512), }"
add("npy", "of fields", "f.npy", npy(_FIELDS, b"\0" * 4096), AudioFeatures.load)
_LONG = b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{" * 100
add("npy", "header of 4 gigabytes", "f.npy", _LONG, AudioFeatures.load)
add("npy", "one value", "f.npy", npy(_F4 % "()", b"\0" * 4), AudioFeatures.load)
add("bin", "no description", "f.bin", b"\0" * 2048, AudioFeatures.load)
for _what, _shape in {
    "another size": {"num_frames": 2, "feature_size": 512, "shape": [2, 512]},
    "negative": {"num_frames": -1, "feature_size": -512, "shape": [-1, -512]},
    "infinite": {"num_frames": float("inf"), "feature_size": 512, "shape": [1, 512]},
    "texts": {"num_frames": 1, "feature_size": 512, "shape": [10**9, "x" * 100]},
    "a million digits": {"num_frames": 10**4000, "feature_size": 512, "shape": [1, 512]},
    "no shape": {"num_frames": 1, "feature_size": 512},
    "nothing": {},
    "a fraction": {"num_frames": 1.5, "feature_size": 512, "shape": [1.5, 512]},
}.items():
    add("bin", f"description of {_what}", "f.bin", described(b"\0" * 2048, **_shape), AudioFeatures.load)


def _deep(path: Path) -> None:
    path.write_bytes(b"\0" * 2048)
    path.with_name(path.name + ".json").write_text("[" * 200_000)


def _piped(path: Path) -> None:
    path.write_bytes(b"\0" * 2048)
    os.mkfifo(path.with_name(path.name + ".json"))


def _twice(path: Path) -> None:
    path.write_bytes(b"\0" * 2048)
    described = '{"num_frames": 2, "num_frames": 1, "feature_size": 512, "shape": [1, 512]}'
    path.with_name(path.name + ".json").write_text(described)


add("bin", "description nested deep", "f.bin", _deep, AudioFeatures.load)
add("bin", "description is a pipe", "f.bin", _piped, AudioFeatures.load)
add("bin", "description says it twice", "f.bin", _twice, AudioFeatures.load)

# Phones

for _what, _bytes in {
    "a table": b'{"p": [0, 1]}',
    "endless time": b'[["p", 0, 1e999]]',
    "nested deep": b"[" * 200_000,
    "a number of a megabyte": b'[["p", 0, ' + b"9" * 1_000_000 + b"]]",
}.items():
    add("phones", _what, "phones.json", _bytes, read_phones)

# Landmarks

for _what, _bytes in {
    "109 points": LANDMARKS.rsplit(b"\n", 1)[0],
    "111 points": LANDMARKS + b"\n1 2",
    "three numbers": LANDMARKS.replace(b"5.5 5", b"5.5 5 5"),
    "a word": LANDMARKS.replace(b"5.5 5", b"five 5"),
    "not a number": LANDMARKS.replace(b"5.5 5", b"nan 5"),
    "infinite": LANDMARKS.replace(b"5.5 5", b"inf 5"),
    "far away": LANDMARKS.replace(b"5.5 5", b"1e30 5"),
    "not ASCII": LANDMARKS.replace(b"5.5 5", "５.5 5".encode()),
    "a megabyte": b"1 2\n" * 250_000,
    "one endless line": b"9" * 90_000,
}.items():
    add("lms", _what, "0.lms", _bytes, read_landmarks)

# Pictures

_JPG = b"\xff\xd8\xff\xe0\0\4ab"
_FRAME = b"\xff\xc0\0\x11\x08%s\3" + b"\0" * 20 + b"\xff\xd9"
add("jpg", "4 gigapixels", "0.jpg", _JPG + _FRAME % b"\xff\xff\xff\xff", read_image, image_size)
add("jpg", "no pixels", "0.jpg", _JPG + _FRAME % b"\0\0\0\0", read_image, image_size)
add("jpg", "segments without end", "0.jpg", b"\xff\xd8" + b"\xff\xe1\0\2" * 200_000, read_image, image_size)
add("jpg", "segment of length 0", "0.jpg", b"\xff\xd8" + b"\xff\xe1\0\0" * 2000, read_image, image_size)
add("jpg", "fill bytes", "0.jpg", b"\xff\xd8" + b"\xff" * 1_000_000, read_image, image_size)
add("jpg", "no picture in it", "0.jpg", _JPG + _FRAME % b"\0\x0c\0\x10", read_image)
_SCANS = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
_EMPTY_SCAN = b"\xff\xda\0\x08\1\1\0\1\x3f\0\0"
add("jpg", "200 empty scans", "0.jpg", _SCANS[:-2] + 200 * _EMPTY_SCAN + b"\xff\xd9", read_image)
add("png", "4 gigapixels", "0.png", png(65_535, 65_535, b""), read_image, image_size)
add("png", "a bomb of 3 gigabytes", "0.png", png(32_768, 32_768, zlib.compress(b"\0" * 10**7)), read_image)
add("png", "widest", "0.png", png(2**31 - 1, 1, b""), read_image, image_size)
add("png", "no width", "0.png", png(0, 16, b""), read_image, image_size)
add("png", "chunk of 2 gigabytes", "0.png", png(16, 12)[:33] + b"\x7f\xff\xff\xff" + png(16, 12)[37:], read_image)
_EARLY = png(16, 12)[:33] + chunk(b"IEND", b"x" * 9) + b"\xff\xff\xff\0" + b"IDATIEND\xaeB`\x82"
add("png", "an end before 4 gigabytes", "0.png", _EARLY, read_image)
_DISKS = zipped({"a/data.pkl": b"x"})
_DISKS = _DISKS[:-22] + b"PK\6\7\xff\0\0\0" + b"\xff" * 12 + _DISKS[-22:]
add("pth", "archive on several disks", "5.pth", _DISKS, read_tensors)
add("png", "no data", "0.png", png(16, 12, b""), read_image)
add("png", "data of another size", "0.png", png(16, 12, b"\1\2\3"), read_image)
add("png", "impossible depth", "0.png", png(16, 12, depth=77), read_image)
add("png", "impossible colour", "0.png", png(16, 12, colour=9), read_image)
add("png", "cut off", "0.png", png(16, 12)[:60], read_image, image_size)
add("png", "device", "0.png", lambda path: path.symlink_to("/dev/zero"), read_image)
add("png", "link in a circle", "0.png", lambda path: path.symlink_to(path), read_image)

# Templates

for _what, _content in {
    "a pipe": os.mkfifo,
    "a bomb": png(30_000, 30_000, b""),
    "text": b"no picture",
    "of another size": png(16, 12),
}.items():
    add("template", f"frame is {_what}", "t/full_body_img/1.jpg", in_template("full_body_img", _content), template_of)
    add("template", f"parsing is {_what}", "t/parsing/1.png", in_template("parsing", _content), template_of)
add(
    "template",
    "frame ends early",
    "t/full_body_img/0.jpg",
    in_template("full_body_img", _JPG + _FRAME % b"\0\x60\0\x80"),
    template_frame,
)
_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # turned by 90 degrees
_PLAIN = cv2.imencode(".jpg", np.zeros((96, 128, 3), np.uint8))[1].tobytes()
_TURNED = _PLAIN[:2] + b"\xff\xe1" + struct.pack(">H", len(_EXIF) + 2) + _EXIF + _PLAIN[2:]
add("template", "frame is turned", "t/full_body_img/0.jpg", in_template("full_body_img", _TURNED), template_frame)
for _what, _bytes in {"empty": b"", "text": b"no points", "outside": LANDMARKS.replace(b"31.5 31", b"900 900")}.items():
    add("template", f"landmarks are {_what}", "t/landmarks/1.lms", in_template("landmarks", _bytes), template_of)

# Checkpoints

add("pth", "runs code", "5.pth", pickle.dumps(Runs()), read_tensors)
add(
    "pth",
    "runs code in an archive",
    "5.pth",
    zipped({"a/data.pkl": pickle.dumps(Runs()), "a/version": b"3"}),
    read_tensors,
)
add("pth", "text in an archive", "5.pth", zipped({"a/data.pkl": b"text", "a/version": b"3"}), read_tensors)
add("pth", "empty archive", "5.pth", zipped({}), read_tensors)
add(
    "pth", "bomb", "5.pth", zipped({"a/data.pkl": b"\0" * 10**8, "a/version": b"3"}, zipfile.ZIP_DEFLATED), read_tensors
)
add("pth", "a list", "5.pth", saved([torch.zeros(3)]), read_tensors)
_BRACKETS = pickle.PROTO + b"\2" + pickle.MARK + 5_000_000 * pickle.EMPTY_LIST + pickle.LIST + pickle.STOP
add("pth", "millions of lists", "5.pth", zipped({"a/data.pkl": _BRACKETS, "a/version": b"3"}), read_tensors)
_LEGACY_START = b"".join(pickle.dumps(value, 2) for value in (torch.serialization.MAGIC_NUMBER, 1001, {}))
add("pth", "millions of lists, as of old", "5.pth", _LEGACY_START + _BRACKETS + pickle.dumps([], 2), read_tensors)
add("pth", "numbers", "5.pth", saved({"a": 5}), read_tensors)
_CIRCLE: dict[str, object] = {}
_CIRCLE["model"] = _CIRCLE
add("pth", "holds itself", "5.pth", saved(_CIRCLE), read_tensors)
for _width in (0, 10**6):
    _first = torch.zeros(1).expand(_width, 4, 1, 1)
    add("pth", f"{_width} channels", "5.pth", generator(**{"inc.inconv.0.conv.6.weight": _first}), load_network)
add("pth", "nothing in it", "5.pth", saved({}), read_tensors)
add("pth", "cut off", "5.pth", generator()[:-3000], read_tensors)
add("pth", "another network", "5.pth", saved({"a": torch.zeros(3)}), load_network)
add("pth", "of another shape", "5.pth", generator(**{"outc.conv.weight": torch.zeros(9)}), load_network)
add("pth", "a tensor more", "5.pth", generator(extra=torch.zeros(9)), load_network)
_SHAPE = tuple(seeded_network().state_dict()["outc.conv.weight"].shape)
for _what, _tensor in {
    "sparse": torch.zeros(_SHAPE).to_sparse(),
    "complex": torch.zeros(_SHAPE, dtype=torch.complex64),
    "without data": torch.zeros(_SHAPE, device="meta"),
    "whole": torch.zeros(_SHAPE, dtype=torch.int64),
    "true": torch.zeros(_SHAPE, dtype=torch.bool),
    "nested": nested(),
    "not finite": torch.full(_SHAPE, float("nan")),
    "of 8 bits, not finite": torch.full(_SHAPE, float("nan")).to(torch.float8_e4m3fn),
    "of 64 bits beyond those of 32": torch.full(_SHAPE, 1e300, dtype=torch.float64),
}.items():
    add("pth", f"{_what} weights", "5.pth", generator(**{"outc.conv.weight": _tensor}), load_network)


def _safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


for _what, _bytes in {
    "header beyond the end": struct.pack("<Q", 2**62) + b"{}",
    "no JSON": _safetensors(b"no JSON"),
    "nested deep": _safetensors(b"[" * 100_000),
    "offsets beyond the end": _safetensors({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}),
    "offsets backwards": _safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, b"\0" * 4),
    "huge shape": _safetensors({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 4]}}, b"\0" * 4),
    "unknown type": _safetensors({"a": {"dtype": "F7", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4),
    "no tensors": _safetensors({}),
    "hundreds of thousands of tensors": _safetensors(
        {str(i): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(200_000)}
    ),
}.items():
    add("safetensors", _what, "5.safetensors", _bytes, read_tensors)

# Programs

_SIZE = helper.make_tensor("s", TensorProto.INT64, [1], [200_000_000])
_MORE = [helper.make_node("ConstantOfShape", ["s"], ["c0"])]
_MORE += [helper.make_node("Neg", [f"c{index}"], [f"c{index + 1}"]) for index in range(5)]
_MORE += [helper.make_node("ReduceSum", ["c5"], ["e"]), helper.make_node("Add", ["x0", "e"], ["y"])]
_OUTSIDE = helper.make_tensor("w", TensorProto.FLOAT, [2], [0, 0])
_OUTSIDE.ClearField("float_data")
_OUTSIDE.data_location = TensorProto.EXTERNAL
_OUTSIDE.external_data.add(key="location", value="../../../../etc/passwd")
for _what, _bytes in {
    "another network": RELU,
    "unknown operator": model([helper.make_node("NoSuchOperator", ["x0"], ["y"])]),
    "operator of others": model([helper.make_node("Relu", ["x0"], ["y"], domain="com.example")]),
    "circle": model([helper.make_node("Add", ["x0", "z"], ["y"]), helper.make_node("Relu", ["y"], ["z"])]),
    "no nodes": model([]),
    "weights elsewhere": model([helper.make_node("Add", ["x0", "w"], ["y"])], initializers=(_OUTSIDE,)),
    "constants of gigabytes": model(_MORE, initializers=(_SIZE,)),
    "cut off": RELU[:-9],
}.items():
    add("onnx", _what, "unet.onnx", _bytes, OnnxGenerator, load_encoder)

# Packages; more of them in tests/package/test_hostile_packages.py


def _package(path: Path, data: bytes = b"") -> None:
    path.mkdir()
    (path / "avatar.json").write_bytes(data)


add("avatar", "a pipe", "may.avatar", os.mkfifo, describe)
add("fingerprint", "a pipe", "5.pth", os.mkfifo, file_digest)
add("avatar", "folder without anything", "may", Path.mkdir, verify_package)
for _what, _bytes in {
    "manifest empty": b"",
    "manifest of zeros": b"\0" * 500,
    "manifest nested deep": b'{"a":' * 100_000,
    "manifest of numbers": b"5",
    "manifest not UTF-8": b'{"format": "\xff"}',
    "manifest of millions of lists": b'{"boxes": [' + b"[]," * 5_000_000 + b"[]]}",
    "manifest of one field": b'{"format": "framegen-avatar", "version": 1}',
}.items():
    add("avatar", _what, "may", lambda path, data=_bytes: _package(path, data), verify_package)
    add("avatar", f"{_what}, in an archive", "may.avatar", zipped({"avatar.json": _bytes}), verify_package)

# Descriptions

for _what, _bytes in {
    "empty": b"",
    "text": b"text",
    "not UTF-8": b"\xff\xfe",
    "nested deep": b"[" * 200_000,
    "a list": b"[1, 2]",
    "a number": b"7",
    "without what matters": b"{}",
    "of other types": b'{"ranges": 5, "held_out": {"a": 1}}',
    "infinite": b'{"ranges": [{}, {"first": 1e999}], "held_out": [1e999, 5]}',
}.items():
    add("prepare.json", _what, "prepare.json", _bytes, summary)
    add("train.json", _what, "train.json", _bytes, training)

# Videos

_VIDEO = video()
for _share in (0.05, 0.3):
    add("mp4", f"cut off at {_share:.0%}", "video.mp4", _VIDEO[: int(_share * len(_VIDEO))], whole_video, recording)
add("mp4", "sound alone", "video.mp4", sound("mp4", "aac"), whole_video, recording)
add("mp4", "a picture that is shown for years", "video.mp4", video(times=(0, 1, 10**6)), recording)
add("mp4", "an endless box", "video.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\0moov", whole_video)
