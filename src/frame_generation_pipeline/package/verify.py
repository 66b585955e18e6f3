"""Verify a package completely, and describe it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from frame_generation_pipeline.package.load import Package, open_package
from frame_generation_pipeline.package.manifest import LANDMARKS, PREVIEW, PREVIEW_SIDE
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.package.refusal import Refusal, refusing, shown
from frame_generation_pipeline.package.rest import read_rest
from frame_generation_pipeline.package.template import PackagedTemplate, decode_image, read_header
from frame_generation_pipeline.spec import SAMPLE_RATE, WINDOW


def verify_package(path: str | Path, *, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Check every file, decode every image and run the programs once; returns a line for each check that passed.

    progress: called after each frame with the number of frames done and of all frames.

    Raises MissingFileError, and PackageError for the first check that fails.
    """
    package = open_package(path)
    manifest = package.manifest
    held = [f"manifest of version {manifest.version}, {len(manifest.files)} files, no other"]
    held.append(_check_programs(package))
    package.read(LANDMARKS)
    preview = package.read(PREVIEW)
    with refusing(package.path):
        size = read_header(preview, PREVIEW, "jpg")
        if max(size) > PREVIEW_SIDE:
            raise Refusal(f"{PREVIEW} has a side of more than {PREVIEW_SIDE} pixels")
        decode_image(preview, PREVIEW, "jpg", size)
    held.append("landmarks and preview")
    if read_rest(package) is not None:
        held.append("features of a mouth at rest")
    template = PackagedTemplate(package)
    for index in range(len(template)):
        template.read(index)
        if progress:
            progress(index + 1, len(template))
    parsing = ", each with its parsing image" if manifest.parsing else ""
    held.append(f"{len(template)} frames of {template.width}x{template.height} pixels{parsing}")
    return held


def describe_package(path: str | Path) -> dict[str, Any]:
    """Describe a package by named values, in the order in which to show them; only its manifest is read.

    Raises MissingFileError, PackageError.
    """
    package = open_package(path)
    manifest, frame = package.manifest, package.manifest.frame
    sides = sorted(box.size for box in manifest.boxes)
    return {
        "kind": "avatar",
        "name": manifest.name,
        "licence": manifest.licence or "not stated",
        "credits": ", ".join(manifest.credits) or "none",
        "generator": manifest.generator.name,
        "audio features": manifest.generator.audio.name,
        "programs": f"{', '.join(manifest.programs)} ({manifest.precision})",
        "frames": frame.count,
        "size": f"{frame.width}x{frame.height}",
        "images": frame.format,
        "frame rate": f"{manifest.fps} a second",
        "face boxes": f"{sides[0]} to {sides[-1]} pixels, median {sides[len(sides) // 2]}",
        "parsing": "yes" if manifest.parsing else "no",
        "blend": manifest.blend,
        "mouth at rest": "yes" if manifest.rest else "no",
        "bytes": sum(entry.size for entry in manifest.files.values()),
        "fingerprint": package.fingerprint,
    }


def _check_programs(package: Package) -> str:
    """Run each program once."""
    generator, audio = load_programs(package)
    features = generator.spec.audio.feature_size
    frame = PackagedTemplate(package).read(0)
    crop = frame.box.cut(frame.image)
    with refusing(package.path):
        try:
            state = generator.encode_face(crop)
            silence = np.zeros((WINDOW, features), np.float32)
            generator.render(state, silence, crop, frame.keep, package.manifest.blend)
            values = audio.features(np.zeros(SAMPLE_RATE, np.float32), 0, SAMPLE_RATE) if audio else None
        except Exception as error:  # ONNX Runtime raises its own, undocumented classes
            raise Refusal(f"its programs do not run ({shown(str(error))})") from error
        if values is not None and not (values.shape[1:] == (features,) and len(values) and np.isfinite(values).all()):
            raise Refusal("programs/audio.onnx gives no finite features")
    return f"programs {', '.join(package.manifest.programs)}"
