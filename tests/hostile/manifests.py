"""Manifests that each reader of packages must refuse, and an image that states more pixels than any package has."""

from collections.abc import Callable
from typing import Any

Manifest = dict[str, Any]

MANIFESTS: dict[str, tuple[Callable[[Manifest], object], str]] = {
    "another format": (lambda m: m.update(format="zip"), "not of the format"),
    "no format": (lambda m: m.pop("format"), "not of the format"),
    "newer version": (lambda m: m.update(version=4), "version 4"),
    "older version with newer fields": (lambda m: m.update(version=1), "expected an object with"),
    "unknown blend": (lambda m: m.update(blend="hard"), "blend is 'hard'"),
    "rest that is not there": (lambda m: m.update(rest=True), "does not list 'rest.bin'"),
    "version true": (lambda m: m.update(version=True), "version True"),
    "missing field": (lambda m: m.pop("boxes"), "expected an object with"),
    "additional field": (lambda m: m.update(extra=1), "expected an object with"),
    "additional field inside": (lambda m: m["frame"].update(depth=8), "frame is"),
    "list for an object": (lambda m: m.update(frame=[1, 2]), "frame is"),
    "name is a number": (lambda m: m.update(name=5), "name is 5"),
    "terminal escape in the name": (lambda m: m.update(name="\x1b[2J"), "control characters"),
    "line break in the credits": (lambda m: m.update(credits=["a\nb"]), "control characters"),
    "half a character": (lambda m: m.update(licence="\ud800"), "control characters"),
    "endless name": (lambda m: m.update(name="x" * 100_001), "moderate length"),
    "credits are a text": (lambda m: m.update(credits="May"), "credits is 'May'"),
    "other fps": (lambda m: m.update(fps=30), "fps is 30"),
    "fps as a float": (lambda m: m.update(fps=25.0), "fps is 25.0"),
    "unknown face": (lambda m: m["generator"].update(face="512"), "generator.face"),
    "unhashable face": (lambda m: m["generator"].update(face={}), "generator.face"),
    "unknown audio": (lambda m: m["generator"]["audio"].update(name="mfcc"), "generator.audio.name"),
    "wrong feature size": (lambda m: m["generator"]["audio"].update(feature_size=511), "feature_size"),
    "feature size of another type": (lambda m: m["generator"]["audio"].update(name="streaming"), "feature_size"),
    "streaming in an older version": (
        lambda m: (m.update(version=2), m["generator"].update(audio={"name": "streaming", "feature_size": 240})),
        "version 2, which has no streaming features",
    ),
    "width true": (lambda m: m["generator"].update(width=True), "generator.width is True"),
    "negative width": (lambda m: m["frame"].update(width=-128), "frame.width is -128"),
    "huge width": (lambda m: m["frame"].update(width=8193), "frame.width is 8193"),
    "huge count": (lambda m: m["frame"].update(count=10**30), "frame.count"),
    "count and boxes differ": (lambda m: m["frame"].update(count=3), "4 boxes for 3 frames"),
    "not a number": (lambda m: m["frame"].update(height=float("nan")), "NaN is no number"),
    "unknown image format": (lambda m: m["frame"].update(format="gif"), "frame.format"),
    "box outside": (lambda m: m["boxes"].__setitem__(2, [104, 20, 50]), "box for frame 2: the middle of .* outside"),
    "box beyond the edge in an older version": (
        lambda m: (m.update(version=2), m["boxes"].__setitem__(2, [100, 20, 50])),
        "box for frame 2: it leaves the image",
    ),
    "box too small": (lambda m: m["boxes"].__setitem__(0, [0, 0, 0]), "box for frame 0"),
    "negative box": (lambda m: m["boxes"].__setitem__(0, [-8193, 0, 50]), "boxes is -8193"),
    "box of two numbers": (lambda m: m["boxes"].__setitem__(0, [1, 50]), "boxes is"),
    "parsing is a number": (lambda m: m.update(parsing=1), "parsing is 1"),
    "parsing without images": (lambda m: m.update(parsing=True), "does not list 'parsing/00000.png'"),
    "unknown precision": (lambda m: m.update(precision="int4"), "precision"),
    "absolute path": (lambda m: m["programs"].update(face="/etc/passwd"), "programs.face"),
    "path out of the package": (lambda m: m["programs"].update(render="../render.onnx"), "programs.render"),
    "no render program": (lambda m: m["programs"].pop("render"), "programs is"),
    "unknown program": (lambda m: m["programs"].update(install="programs/install.onnx"), "programs is"),
    "audio program that is not there": (lambda m: m["programs"].update(audio="programs/audio.onnx"), "does not list"),
    "files are a list": (lambda m: m.update(files=[]), "files is"),
    "listed path leads out": (lambda m: m["files"].update({"../x": m["files"]["preview.jpg"]}), "lists '../x'"),
    "listed path with a drive": (lambda m: m["files"].update({"C:\\x": m["files"]["preview.jpg"]}), "no package has"),
    "listed path with NUL": (lambda m: m["files"].update({"a\0b": m["files"]["preview.jpg"]}), "no package has"),
    "file not listed": (lambda m: m["files"].pop("frames/00001.jpg"), "does not list 'frames/00001.jpg'"),
    "negative size": (lambda m: m["files"]["preview.jpg"].update(size=-1), "whole number"),
    "size beyond everything": (lambda m: m["files"]["preview.jpg"].update(size=2**62), "whole number"),
    "other size": (lambda m: m["files"]["preview.jpg"].update(size=5), "bytes; expected 5"),
    "other hash": (lambda m: m["files"]["preview.jpg"].update(sha256="0" * 64), "its bytes differ"),
    "hash of a program": (lambda m: m["files"]["programs/face.onnx"].update(sha256="0" * 64), "its bytes differ"),
    "no hash": (lambda m: m["files"]["preview.jpg"].update(sha256="abc"), "64 hexadecimal digits"),
    "short landmarks": (lambda m: m["files"]["landmarks.bin"].update(size=440), "bytes a frame"),
}


# A JPEG header of 4 gigapixels.
BOMB = b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08\xff\xff\xff\xff\3" + b"\0" * 20 + b"\xff\xd9"
