"""Hostile checkpoints, programs, packages and descriptions; more packages are in `manifests`."""

import json
import os
import pickle
import struct
import zipfile
from functools import partial
from pathlib import Path

import torch
from onnx import TensorProto, helper

from frame_generation_pipeline.cli.info import describe
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.making.checkpoint import read_tensors
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.package.verify import verify_package
from hostile.case import add
from hostile.files import (
    RELU,
    Runs,
    generator,
    model,
    nested,
    saved,
    summary,
    training,
    zipped,
)
from samples import seeded_network

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
_LEGACY: tuple[object, ...] = (torch.serialization.MAGIC_NUMBER, 1001, {})
_LEGACY_START = b"".join(pickle.dumps(value, 2) for value in _LEGACY)
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
    add("avatar", _what, "may", partial(_package, data=_bytes), verify_package)
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
