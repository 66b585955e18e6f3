"""Small generated inputs: weights, templates and audio that depend on nothing but their names."""

import wave
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.spec import AVE, FACE_160, GeneratorSpec

if TYPE_CHECKING:  # tests without the extra `[train]` use what needs none of it
    import torch

    from frame_generation_pipeline.making.ave_encoder import AveEncoder
    from frame_generation_pipeline.making.networks import Network

Module = TypeVar("Module", bound="torch.nn.Module")
TINY = GeneratorSpec(FACE_160, AVE, width=4)  # like the others in every respect but the number of channels


def draw(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Normally distributed float32 values that depend on `name` and `shape` alone."""
    generator = np.random.Generator(np.random.Philox(key=zlib.crc32(name.encode())))
    return generator.standard_normal(shape).astype(np.float32)


def seeded_network(spec: GeneratorSpec = TINY) -> "Network":
    """A network whose weights depend on their names alone, scaled so that its images have contrast."""
    pytest.importorskip("torch", reason="needs the extra [train]")
    from frame_generation_pipeline.making.networks import build_network

    return seeded(build_network(spec))


def seeded_encoder() -> "AveEncoder":
    """The `ave` encoder with weights that depend on their names alone."""
    pytest.importorskip("torch", reason="needs the extra [train]")
    from frame_generation_pipeline.making.ave_encoder import AveEncoder

    return seeded(AveEncoder())


def seeded(module: Module) -> Module:
    """The module with weights that depend on their names alone."""
    import torch

    state = module.state_dict()
    for name, value in state.items():
        if value.dim() == 4:
            scale = np.sqrt(2.0 / value[0].numel())
            state[name] = torch.from_numpy(draw(name, tuple(value.shape)) * np.float32(scale))
        elif name.endswith("running_var"):
            state[name] = torch.from_numpy(0.5 + np.abs(draw(name, tuple(value.shape))))
        elif value.dim() == 1:
            state[name] = torch.from_numpy(0.1 * draw(name, tuple(value.shape)) + 0.9 * name.endswith("weight"))
    module.load_state_dict(state)
    return module.eval()


def write_template(folder: Path, frames: int = 3, *, size: tuple[int, int] = (128, 96), parsing: bool = False) -> Path:
    """A template whose face boxes move: smooth noise images `size` (width, height), boxes of 48 to 50 pixels."""
    width, height = size
    for part in ("full_body_img", "landmarks", *(["parsing"] if parsing else [])):
        (folder / part).mkdir(parents=True)
    for i in range(frames):
        noise = np.clip(128 + 60 * draw(f"frame {i}", (12, 16, 3)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "full_body_img" / f"{i}.jpg"), cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC))
        points = np.full((110, 2), 50.0) + i
        points[1], points[31], points[52] = (30 + i, 40), (78.9 + 2 * i, 40), (54, 20 + i)
        lines = [f"{x} {y}" for x, y in points]
        (folder / "landmarks" / f"{i}.lms").write_text("\n".join(lines))
        if parsing:
            image = np.full((height, width, 3), 90, np.uint8)
            image[:30], image[30:34] = (0, 0, 255), 255
            cv2.imwrite(str(folder / "parsing" / f"{i}.png"), image)
    return folder


def write_wav(path: Path, seconds: float, rate: int = 16_000, channels: int = 1) -> Path:
    """A tone that swells, 16 bits."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * 220 * time) * np.abs(np.sin(2 * np.pi * 1.5 * time))
    return write_pcm(path, np.repeat((32767 * tone).astype(np.int16)[np.newaxis], channels, axis=0), rate)


def tone(seconds: float) -> npt.NDArray[np.float32]:
    """A steady tone at 16 kHz, (k,) float32, loud enough to open the gate."""
    return (0.4 * np.sin(2 * np.pi * 180 * np.arange(round(seconds * 16_000)) / 16_000)).astype(np.float32)


def make_speech(count: int, rate: int = 16_000, channels: int = 1) -> npt.NDArray[np.float32]:
    """A tone that swells, with noise that differs by channel: (channels, count) float32 below full scale."""
    seconds = np.arange(count) / rate
    tone = np.sin(2 * np.pi * 220 * seconds) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * seconds))
    noise = np.random.default_rng(7).standard_normal((channels, count))
    return (0.3 * tone + 0.05 * noise).astype(np.float32)


def write_pcm(path: Path, samples: npt.NDArray[np.int16], rate: int) -> Path:
    """A WAV file of samples (channels, n) int16."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.T.astype("<i2").tobytes())
    return path
