"""Files that are not what they seem, for every reader; each must be refused in one line that names it.

`CASES[name]` writes one into a folder and says how it is read. They run in a process of their own, see `worker.py`.
"""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.cli.info import describe
from frame_generation_pipeline.evaluate.phones import read_phones
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.making.checkpoint import read_tensors
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.template.landmarks import read_landmarks
from hostile import media_cases, model_cases
from hostile.case import CASES, Content, add
from hostile.files import RELU, npy, png, recording, saved, video, wav, whole_audio, zipped

__all__ = ["CASES", "media_cases", "model_cases"]  # the two modules add cases of their own

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
    "wav": ("audio.wav", (whole_audio,)),
    "mp3": ("audio.mp3", (whole_audio,)),
    "m4a": ("audio.m4a", (whole_audio,)),
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
