"""What somebody may do to a package: edits of a tiny one, and the stage of reading that refuses each."""

import base64
import hashlib
import io
import json
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "package"))
from test_hostile_packages import BOMB, MANIFESTS

# The stages in their order: where files are, the manifest, that the two agree, a file's bytes, then what is in them.
STORAGE, MANIFEST, LISTING, HASH, PROGRAMS, PICTURES, REST = (
    "storage",
    "manifest",
    "listing",
    "hash",
    "programs",
    "pictures",
    "rest",
)
BASE = "avatars/hubert-160"

Case = dict[str, Any]


def hostile_cases(base: Path) -> dict[str, Any]:
    """Edits of the folder `base`, each with the stage that refuses it and a part of Python's message."""
    manifest = (base / "avatar.json").read_bytes()
    cases = [
        *_manifests(manifest),
        *_folders(manifest),
        *_programs(manifest),
        *_pictures(manifest),
        *_rest(manifest),
        *_archives(base, manifest),
    ]
    return {"avatar": BASE, "cases": cases}


def _case(name: str, stage: str, message: str, **edits: Any) -> Case:
    return {"name": name, "stage": stage, "message": message, **edits}


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _with(
    manifest: bytes, files: dict[str, bytes], change: Callable[[dict[str, Any]], object] | None = None
) -> dict[str, str]:
    """The files and a manifest that lists them, encoded."""
    content = json.loads(manifest)
    for name, data in files.items():
        content["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if change:
        change(content)
    files = {"avatar.json": json.dumps(content).encode(), **files}
    return {name: _encoded(data) for name, data in files.items()}


def _manifests(manifest: bytes) -> Iterator[Case]:
    for name, (change, message) in MANIFESTS.items():
        content = json.loads(manifest)
        change(content)
        stage = {"bytes; expected 5": LISTING, "its bytes differ": HASH}.get(message, MANIFEST)
        if name in ("hash of a program", "other hash"):
            stage = HASH
        yield _case(name, stage, message, write={"avatar.json": _encoded(json.dumps(content).encode())})
    for name, data, message in (
        ("empty manifest", b"", "no JSON"),
        ("UTF-16", b"\xff\xfe{}", "no JSON"),
        ("deep lists", b"[" * 5_000 + b"]" * 5_000, "no JSON|not of the format"),
        ("field twice", b'{"format":"framegen-avatar",' + manifest.lstrip()[1:], "field twice"),
        ("a text", b'"framegen-avatar"', "not of the format"),
        ("something after the end", manifest + b"{}", "no JSON"),
        ("large number", manifest.replace(b'"count":4', b'"count":4' + b"0" * 400), "frame.count"),
    ):
        yield _case(name, MANIFEST, message, write={"avatar.json": _encoded(data)})


def _folders(manifest: bytes) -> Iterator[Case]:
    yield _case("no manifest", STORAGE, "has no avatar.json", remove=["avatar.json"])
    for name in ("evil.py", "frames/evil.sh", "frames/00004.jpg", ".hidden"):
        yield _case(f"file {name}", LISTING, "which is not listed", write={name: _encoded(b"x")})
    yield _case("frame that is missing", LISTING, "lacks 'frames/00002.jpg'", remove=["frames/00002.jpg"])
    frame = "frames/00000.jpg"
    yield _case("frame that is a link", STORAGE, "is a link", remove=[frame], link={frame: "../preview.jpg"})
    yield _case("link beside it all", STORAGE, "is a link", link={"more": "avatar.json"})
    yield _case("folder in a folder", STORAGE, "is a folder", folder=["frames/more"])
    yield _case("empty folder", STORAGE, "empty folder", folder=["more"])


def _programs(manifest: bytes) -> Iterator[Case]:
    def model(*nodes: onnx.NodeProto, domains: tuple[str, ...] = ("",), **more: Any) -> onnx.ModelProto:
        crop = helper.make_tensor_value_info("crop", TensorProto.UINT8, ["h", "w", 3])
        state = helper.make_tensor_value_info("state", TensorProto.FLOAT, [1])
        graph = helper.make_graph(nodes, "face", [crop], [state], **more)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 17) for domain in domains])

    weight = helper.make_tensor("weight", TensorProto.FLOAT, [1], [1.0])
    plain = helper.make_node("Identity", ["weight"], ["state"])
    foreign = helper.make_node("Identity", ["weight"], ["state"], domain="com.microsoft")
    branch = helper.make_graph([plain], "branch", [], [helper.make_tensor_value_info("state", TensorProto.FLOAT, [1])])
    control = helper.make_node("If", ["weight"], ["state"], then_branch=branch, else_branch=branch)
    inner = helper.make_node("Identity", ["weight"], ["state"], body=branch)
    outside = onnx.TensorProto()
    outside.CopyFrom(weight)
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="/etc/passwd")
    good = model(plain, initializer=[weight]).SerializeToString()
    function = model(plain, initializer=[weight])
    function.functions.append(helper.make_function("own", "f", ["x"], ["y"], [], []))
    open_state = model(plain, initializer=[weight])
    open_state.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"
    huge = model(plain, initializer=[weight])
    huge.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 2**27
    cases = {
        "no program": (b"no program", "is no ONNX program"),
        "ONNX Runtime's own format": (b"\x20\0\0\0ORTM" + good, "is no ONNX program"),
        "program cut off": (good[:-3], "is no ONNX program"),
        "varint that is not the shortest": (good + b"\x28\x80\x00", "is no ONNX program"),
        "varint of more than 64 bits": (good + b"\x28" + b"\xff" * 9 + b"\x02", "is no ONNX program"),
        "tag above 32 bits": (good + b"\x80\x80\x80\x80\x10\x01", "is no ONNX program"),
        "two graphs": (good + good, "twice|is no ONNX program"),
        "operators of others": (model(foreign, initializer=[weight]).SerializeToString(), "expected ONNX's own alone"),
        "other domain": (
            model(plain, domains=("", "com.microsoft"), initializer=[weight]).SerializeToString(),
            "expected ONNX's own alone",
        ),
        "control flow": (model(control, initializer=[weight]).SerializeToString(), "control flow"),
        "graph in an operator": (model(inner, initializer=[weight]).SerializeToString(), "a graph or sparse weights"),
        "weights elsewhere": (model(plain, initializer=[outside]).SerializeToString(), "weights in another file"),
        "functions": (function.SerializeToString(), "functions or training"),
        "state of open shape": (open_state.SerializeToString(), "not fixed"),
        "huge state": (huge.SerializeToString(), "more than 268435456 bytes"),
        "another state": (good, "render.onnx has"),
    }
    for name, (data, message) in cases.items():
        yield _case(name, PROGRAMS, message, write=_with(manifest, {"programs/face.onnx": data}))


def _pictures(manifest: bytes) -> Iterator[Case]:
    def picture(suffix: str, width: int, height: int, channels: int = 3) -> bytes:
        return cv2.imencode(suffix, np.zeros((height, width, channels), np.uint8))[1].tobytes()

    jpg = picture(".jpg", 128, 96)
    for name, data, message in (
        ("frame of another size", picture(".jpg", 96, 128), "is 96x128 pixels; expected 128x96"),
        ("PNG for a JPEG", picture(".png", 128, 96), "is no jpg picture"),
        ("no picture", b"no picture", "neither a JPEG nor a PNG"),
        ("picture cut off", jpg[:-30], "damaged picture"),
        ("picture of 4 gigapixels", BOMB, "states 65535x65535 pixels"),
    ):
        yield _case(name, PICTURES, message, write=_with(manifest, {"frames/00003.jpg": data}))
    wide = picture(".jpg", 600, 20)
    yield _case("large preview", PICTURES, "more than 512", write=_with(manifest, {"preview.jpg": wide}))


def _rest(manifest: bytes) -> Iterator[Case]:
    values = np.full((16, 2048), np.nan, "<f4").tobytes()
    change: Callable[[dict[str, Any]], object] = lambda content: content.update(rest=True)  # noqa: E731
    yield _case("rest without end", REST, "not finite", write=_with(manifest, {"rest.bin": values}, change))
    short = _with(manifest, {"rest.bin": values[:-4]}, change)
    yield _case("short rest", MANIFEST, "rest.bin is not of", write=short)


def _archives(base: Path, manifest: bytes) -> Iterator[Case]:
    """Small archives: what is wrong with them is seen before anybody misses the other files."""
    preview = (base / "preview.jpg").read_bytes()[:200]

    def archive(*entries: tuple[str, bytes, dict[str, Any]]) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as target:
            for name, data, fields in (("avatar.json", manifest, {}), *entries):
                entry = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
                entry.filename = name
                for field, value in fields.items():
                    setattr(entry, field, value)
                target.writestr(entry, data)
        return file.getvalue()

    def patched(offset: int, value: bytes) -> bytes:
        data = archive(("preview.jpg", preview, {}))
        at = data.rindex(b"PK\1\2") + offset
        return data[:at] + value + data[at + len(value) :]

    def attributes(mode: int) -> dict[str, Any]:
        return {"external_attr": (mode | 0o777) << 16, "create_system": 3}

    deflated = {"compress_type": zipfile.ZIP_DEFLATED}
    twice = ("preview.jpg", preview, {})
    cut = archive(("preview.jpg", preview, {}))
    for name, data, message in (
        ("entries twice", archive(twice, twice), "twice"),
        ("entry that is a link", archive(("preview.jpg", b"/etc/passwd", attributes(stat.S_IFLNK))), "is a link"),
        ("entry that is a pipe", archive(("preview.jpg", b"x", attributes(stat.S_IFIFO))), "is a link"),
        ("folder entry", archive(("frames/", b"", attributes(stat.S_IFDIR))), "is a link"),
        ("compressed", archive(("preview.jpg", b"\0" * 10_000, deflated)), "is compressed"),
        ("encrypted", patched(8, b"\1\0"), "is encrypted"),
        ("unknown method", patched(10, b"\x0e\0"), "is compressed"),
        ("two sizes", patched(20, b"\1\0\0\0"), "is compressed"),
        ("sizes beyond the archive", patched(20, b"\xff\xff\xff\x7f\xff\xff\xff\x7f"), "more bytes than there are"),
        ("header elsewhere", patched(42, b"\0\0\0\x7f"), "is not where"),
        ("header in the middle", patched(42, b"\5\0\0\0"), "is not where"),
        ("no archive", b"no archive", "is no readable archive"),
        ("empty archive", b"PK\5\6" + b"\0" * 18, "has no avatar.json"),
        ("archive cut off", cut[: len(cut) // 2], "is no readable archive"),
    ):
        yield _case(f"archive: {name}", STORAGE, message, archive=_encoded(data))
    for entry in ("../evil.txt", "/tmp/evil.txt", "C:\\evil.txt", "AVATAR.json", "./avatar.json", "frames/00000.JPG"):
        data = archive((entry, b"x", {}))
        yield _case(f"archive: entry {entry}", LISTING, "which is not listed|lacks", archive=_encoded(data))
