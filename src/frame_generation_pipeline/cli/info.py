"""Describe a file or folder: an avatar, a checkpoint, an ONNX model, a template, features, audio, video or an image."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import AudioError, FrameGenerationError, MissingFileError, ModelError, OptionError
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.making.checkpoint import CHECKPOINT_SUFFIXES, read_tensors, recognise_specs
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.media.audio_reader import probe_audio
from frame_generation_pipeline.media.codecs import CONTAINERS
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.provenance import read_source_type
from frame_generation_pipeline.media.video_reader import IMAGES
from frame_generation_pipeline.package.manifest import MANIFEST
from frame_generation_pipeline.package.verify import describe_package
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.template.template import PARSING, Template


def describe(path: str | Path) -> dict[str, Any]:
    """Return named values that describe `path`, in the order they should be shown; the first is `kind`.

    Raises MissingFileError, OptionError for a pipe or device, or the error of the reader that the kind of file has.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would keep us waiting
        raise OptionError(f"{path}: is a pipe or a device; give a file or folder")
    if path.suffix == ".avatar" or (path / MANIFEST).is_file():
        return describe_package(path)
    if path.is_dir():
        return _template(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file or folder")
    if path.suffix in CHECKPOINT_SUFFIXES:
        return _checkpoint(path)
    if path.suffix == ".onnx":
        return _onnx(path)
    if path.suffix in (".npy", ".bin"):
        return _features(path)
    if path.suffix.lower() in IMAGES:
        width, height = image_size(path)
        return {"kind": "image", "size": f"{width}x{height}"} | _provenance(path)
    if path.suffix.lower() in CONTAINERS:
        with suppress(AudioError):
            return {"kind": "video"} | _audio(path) | _provenance(path)
        return {"kind": "video", "audio": "none"} | _provenance(path)
    return {"kind": "audio"} | _audio(path)


def _provenance(path: Path) -> dict[str, Any]:
    return {"digital source type": read_source_type(path) or "not stated"}


def _audio(path: Path) -> dict[str, Any]:
    audio = probe_audio(path)
    return {
        "duration": f"{audio.duration:.3f} s",
        "sample rate": f"{audio.sample_rate} Hz",
        "channels": audio.channels,
    }


def _template(path: Path) -> dict[str, Any]:
    parsing = (path / PARSING).is_dir()
    template = Template.open(path, parsing=parsing)
    sides = sorted(box.size for box in template.boxes)
    return {
        "kind": "template",
        "frames": len(template),
        "size": f"{template.width}x{template.height}",
        "face boxes": f"{sides[0]} to {sides[-1]} pixels, median {sides[len(sides) // 2]}",
        "parsing": "yes" if parsing else "no",
    }


def _checkpoint(path: Path) -> dict[str, Any]:
    tensors = read_tensors(path)
    parameters = sum(
        tensor.numel() for name, tensor in tensors.items() if "running_" not in name and "num_batches" not in name
    )
    try:
        specs = recognise_specs(tensors, path)
    except ModelError:
        encoder = load_encoder(path)
        return {
            "kind": "audio encoder checkpoint",
            "audio features": encoder.spec.name,
            "parameters": f"{parameters / 1e6:.2f} million",
        }
    return {
        "kind": "generator checkpoint",
        "generator": " or ".join(spec.name for spec in specs),
        "input": f"{specs[0].face.size}x{specs[0].face.size} pixels",
        "audio features": " or ".join(spec.audio.name for spec in specs),
        "parameters": f"{parameters / 1e6:.2f} million",
    }


def _onnx(path: Path) -> dict[str, Any]:
    session = open_session(path)
    values = {
        f"{way} {value.name}": f"{value.type} {value.shape}"
        for way, ports in (("input", session.get_inputs()), ("output", session.get_outputs()))
        for value in ports
    }
    kinds: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("generator, ONNX", lambda: OnnxGenerator(path).spec.name),
        ("audio program, ONNX", lambda: load_encoder(path).spec.name),
    )
    for kind, recognise in kinds:
        with suppress(FrameGenerationError):
            return {"kind": kind, "of": recognise()} | values
    return {"kind": "ONNX model"} | values


def _features(path: Path) -> dict[str, Any]:
    features = AudioFeatures.load(path)
    return {
        "kind": "audio features",
        "audio features": features.spec.name,
        "frames": len(features),
        "shape": "x".join(map(str, features.values.shape)),
        "duration": f"{len(features) / features.spec.fps:.2f} s at {features.spec.fps} a second",
    }
