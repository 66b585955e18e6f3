"""Write the conformance files anew: `PYTHONPATH=src:tests python conformance/make.py`.

Tiny avatars with weights that depend on their names alone, audio, and what the Python implementation makes of them.
The tests of every host read the result; see README.md in this folder for what is where.
"""

import json
import shutil
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from cases import downmix_cases, feature_cases, frame_cases, gate_cases, window_cases
from frame_generation_pipeline.making.audio_program import build_audio_program
from frame_generation_pipeline.making.ave_encoder import AveEncoder, ConvBlock
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.making.package_writer import PackageWriter
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import MANIFEST
from frame_generation_pipeline.spec import (
    AVE,
    FACE_160,
    FACE_328,
    HUBERT,
    STREAMING,
    WENET,
    WHISPER,
    AudioSpec,
    GeneratorSpec,
)
from hostile_packages import hostile_cases
from plain import TEMPLATE, plain_cases, write_plain
from samples import draw, seeded, seeded_network, write_template
from streaming_program import build_streaming_program

HERE = Path(__file__).resolve().parent
FOLDERS = ("avatars", "plain", "audio", "expected")


@dataclass(frozen=True)
class Tiny:
    """How one of the avatars is made; see `pack_avatar` and `samples.write_template`."""

    name: str
    spec: GeneratorSpec
    size: tuple[int, int] = (128, 96)
    frames: int = 4
    format: str = "jpg"
    jpeg: tuple[int, ...] = ()  # OpenCV's options
    parsing: bool = False
    audio: bool = False
    blend: str = "feathered"
    version: int = 3
    box: tuple[int, int, int] | None = None  # of the last frame, in place of the template's


_PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
_FULL_CHROMA = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
_HALF_CHROMA = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
AVATARS = (
    Tiny(
        "ave-160",
        GeneratorSpec(FACE_160, AVE, 2),
        size=(131, 97),
        jpeg=_HALF_CHROMA,
        parsing=True,
        audio=True,
        box=(88, 60, 51),
    ),
    Tiny("ave-328", GeneratorSpec(FACE_328, AVE, 2), frames=3, format="png"),
    Tiny("hubert-160", GeneratorSpec(FACE_160, HUBERT, 2)),
    Tiny("wenet-160", GeneratorSpec(FACE_160, WENET, 2), size=(117, 95), jpeg=_PROGRESSIVE, blend="reference"),
    Tiny("whisper-160", GeneratorSpec(FACE_160, WHISPER, 2), frames=1, jpeg=_FULL_CHROMA),
    Tiny("streaming-160", GeneratorSpec(FACE_160, STREAMING, 2), frames=3, audio=True),
    Tiny("ave-160-version-1", GeneratorSpec(FACE_160, AVE, 2), version=1, blend="reference"),
)


class SmallEncoder(nn.Module):
    """The `ave` encoder's layers with an eighth of their channels; its last one gives 512 like there."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = nn.Sequential(
            ConvBlock(1, 4),
            ConvBlock(4, 4, residual=True),
            ConvBlock(4, 8, stride=(3, 1)),
            ConvBlock(8, 16, stride=3),
            ConvBlock(16, 32, stride=(3, 2)),
            ConvBlock(32, 64, padding=0),
            ConvBlock(64, 512, kernel=1, padding=0),
        )


def make_avatar(tiny: Tiny, output: Path, work: Path) -> None:
    """Pack one of the avatars as the folder `output`."""
    template = write_template(work / tiny.name, tiny.frames, size=tiny.size, parsing=tiny.parsing)
    checkpoint, encoder = work / f"{tiny.name}.pth", work / "audio.onnx"
    write_tensors(checkpoint, seeded_network(tiny.spec).state_dict())
    encoder.write_bytes(_audio_program(tiny.spec.audio))
    images = [read_image(template / "full_body_img" / f"{i}.jpg") for i in range(tiny.frames)]
    for i, image in enumerate(images):
        options = [cv2.IMWRITE_JPEG_QUALITY, 90, *tiny.jpeg]
        cv2.imwrite(str(template / "full_body_img" / f"{i}.jpg"), image, options)
    pack_avatar(
        output,
        checkpoint=checkpoint,
        template=template,
        encoder=encoder if tiny.audio else None,
        mode=tiny.spec.audio.name,
        label=Label(tiny.name, "CC0-1.0"),
        frame_format=tiny.format if tiny.format == "png" else None,
        precision="fp16",
        blend=tiny.blend,
    )
    if not tiny.audio:
        _edit(output, lambda m: m["programs"].pop("audio", None), remove="programs/audio.onnx")
    if tiny.box is not None:
        _edit(output, lambda m: m["boxes"].__setitem__(-1, list(tiny.box or ())))
    if tiny.version == 1:
        _to_version_1(output)
    open_package(output)


def _audio_program(spec: AudioSpec) -> bytes:
    if spec is STREAMING:
        return build_streaming_program()
    encoder = AveEncoder()
    encoder.audio_encoder = seeded(SmallEncoder()).audio_encoder
    program: bytes = build_audio_program(encoder.eval()).SerializeToString(deterministic=True)
    return program


def _edit(folder: Path, change: Callable[[dict[str, Any]], object], remove: str | None = None) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    change(manifest)
    if remove is not None and remove in manifest["files"]:
        (folder / remove).unlink()
        del manifest["files"][remove]
    (folder / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")) + "\n")


def _to_version_1(folder: Path) -> None:
    """As packages were written before there were blends: the render program does what is `reference` now."""
    name = "programs/render.onnx"
    model = onnx.load_model_from_string((folder / name).read_bytes())
    (blend,) = (value for value in model.graph.input if value.name == "blend")
    model.graph.input.remove(blend)
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.uint8), "blend"))
    writer = PackageWriter(folder)
    writer.write(name, model.SerializeToString(deterministic=True))

    def change(manifest: dict[str, Any]) -> None:
        manifest["version"] = 1
        del manifest["blend"]
        rest = manifest.pop("rest")
        assert not rest
        manifest["files"][name] = vars(writer.files[name])

    _edit(folder, change)


def write_audio(folder: Path) -> None:
    """16-bit audio of odd lengths: syllables with a pause of a second, a hundred samples, and stereo at 44.1 kHz.

    A quiet voice in a room whose noise grows, and a voice in loud noise. Channels that cancel, and six of which the
    centre one speaks.
    """
    for name, seconds, rate, channels in (("syllables", 2.7131, 16_000, 1), ("stereo", 0.7007, 44_100, 2)):
        time = np.arange(int(seconds * rate)) / rate
        voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12))
        loud = np.where((time > 0.9) & (time < 1.9), 0.0, 0.25 * np.abs(np.sin(2 * np.pi * 3 * time)))
        noise = 0.0005 * draw(name, (len(time),))
        samples = np.stack([voice * loud * (1 - 0.3 * channel) + noise for channel in range(channels)], axis=1)
        _write_wav(folder / f"{name}.wav", samples, rate)
    _write_wav(folder / "short.wav", 0.1 * draw("short", (101, 1)), 16_000)
    time = np.arange(7 * 16_000 + 123) / 16_000
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12)) * np.maximum(0, np.sin(6 * np.pi * time))
    room = draw("room", (len(time),)) * np.where(time < 5, 0.0004, 0.01)
    _write_wav(folder / "quiet.wav", (voice * np.where(time % 2 > 0.7, 0.008, 0) + room)[:, np.newaxis], 16_000)
    room = draw("noise", (len(time),)) * 0.02
    _write_wav(folder / "noisy.wav", (voice * np.where(time % 3.5 > 2.6, 0.2, 0) + room)[:103_000, np.newaxis], 16_000)
    voice, noise = voice[5000:8001], draw("channels", (3001, 6))
    _write_wav(folder / "opposite.wav", 0.2 * voice[:, np.newaxis] * [0.9, -1] + 0.0005 * noise[:, :2], 16_000)
    gains = [0.01, 0.02, 0.3, 0, 0.03, -0.01]
    _write_wav(folder / "centre.wav", voice[:, np.newaxis] * gains + noise * [0, 0, 0, 0.3, 0, 0], 16_000)


def _write_wav(path: Path, samples: npt.NDArray[Any], rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((32767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())


def write_features(folder: Path, tiny: Tiny, count: int) -> str:
    """Features that a case begins with; returns their file's name. Also the two kinds of files that hosts read."""
    spec = tiny.spec.audio
    values = draw(f"features {spec.name}", (count, *spec.feature_shape))
    if spec is AVE:
        np.save(folder / f"{spec.name}.npy", values)
        return f"audio/{spec.name}.npy"
    values.astype("<f4").tofile(folder / f"{spec.name}.bin")
    stated = {"num_frames": count, "feature_size": spec.feature_size, "shape": list(values.shape)}
    (folder / f"{spec.name}.bin.json").write_text(json.dumps(stated) + "\n")
    return f"audio/{spec.name}.bin"


def main() -> None:
    """Make everything beside this file anew."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as temporary:
        root, work = Path(temporary, "conformance"), Path(temporary, "work")
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        work.mkdir()
        for tiny in AVATARS:
            make_avatar(tiny, root / "avatars" / tiny.name, work)
        write_audio(root / "audio")
        counts = {tiny: 5 if tiny.spec.audio is WENET else 8 for tiny in AVATARS}
        features = {tiny.name: write_features(root / "audio", tiny, count) for tiny, count in counts.items()}
        write_plain(root)
        frames = frame_cases(root, features)
        cases = {
            "features": feature_cases(root),
            "gate": gate_cases(root),
            "downmix": downmix_cases(root),
            "windows": window_cases(root),
            "frames": frames,
            "plain": plain_cases(root),
        }
        (root / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
        hostile = hostile_cases(root / "avatars" / "hubert-160")
        (root / "hostile.json").write_text(json.dumps(hostile, indent=0) + "\n")
        for name in (*FOLDERS, TEMPLATE):
            shutil.rmtree(HERE / name, ignore_errors=True)
            shutil.copytree(root / name, HERE / name)
        for name in ("cases.json", "hostile.json"):
            shutil.copy(root / name, HERE / name)


if __name__ == "__main__":
    main()
