"""Hostile audio, features, phones, landmarks, images, templates and videos."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.evaluate.phones import read_phones
from frame_generation_pipeline.making.checkpoint import read_tensors
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.template.landmarks import read_landmarks
from hostile.case import Content, add
from hostile.files import (
    LANDMARKS,
    audio,
    chunk,
    described,
    in_template,
    npy,
    png,
    recording,
    template_frame,
    template_of,
    video,
    wav,
    whole_audio,
    whole_video,
    zipped,
)

# Audio

for _kind, _codec in {
    "wav": "pcm_s16le",
    "flac": "flac",
    "mp3": "libmp3lame",
    "ogg": "libopus",
    "ipod": "aac",
    "matroska": "aac",
    "aiff": "pcm_s16be",
}.items():
    _data = audio(_kind, _codec)
    for _share in (0.003, 0.007):
        add(_kind, f"cut off at {_share:.1%}", f"audio.{_kind}", _data[: max(int(_share * len(_data)), 4)], whole_audio)
add("wav", "no samples", "audio.wav", wav(b""), whole_audio)
add("wav", "no channels", "audio.wav", wav(channels=0), whole_audio)
add("wav", "255 channels", "audio.wav", wav(channels=255, samples=b"\0" * 51_000), whole_audio)
add("wav", "rate 0", "audio.wav", wav(rate=0), whole_audio)
add("wav", "rate 1", "audio.wav", wav(rate=1), whole_audio)
add("wav", "rate of 4 GHz", "audio.wav", wav(rate=2**32 - 1), whole_audio)
add("wav", "unknown codec", "audio.wav", wav(tag=0x7777), whole_audio)
add("wav", "not finite", "audio.wav", wav(struct.pack("<f", float("nan")) * 400, bits=32, tag=3), whole_audio)
add("wav", "of 3e38", "audio.wav", wav(struct.pack("<f", 3e38) * 400, bits=32, tag=3), whole_audio)
add("wav", "infinite", "audio.wav", wav(struct.pack("<f", float("inf")) * 400, bits=32, tag=3), whole_audio)
add("mp4", "no audio", "video.mp4", video(), whole_audio)
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
        add(_suffix, _what, f"audio.{_suffix}", _playlist, whole_audio)

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
_SHAPES: dict[str, dict[str, object]] = {
    "another size": {"num_frames": 2, "feature_size": 512, "shape": [2, 512]},
    "negative": {"num_frames": -1, "feature_size": -512, "shape": [-1, -512]},
    "infinite": {"num_frames": float("inf"), "feature_size": 512, "shape": [1, 512]},
    "texts": {"num_frames": 1, "feature_size": 512, "shape": [10**9, "x" * 100]},
    "a million digits": {"num_frames": 10**4000, "feature_size": 512, "shape": [1, 512]},
    "no shape": {"num_frames": 1, "feature_size": 512},
    "nothing": {},
    "a fraction": {"num_frames": 1.5, "feature_size": 512, "shape": [1.5, 512]},
}
for _what, _shape in _SHAPES.items():
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

# Images

_JPG = b"\xff\xd8\xff\xe0\0\4ab"
_FRAME = b"\xff\xc0\0\x11\x08%s\3" + b"\0" * 20 + b"\xff\xd9"
add("jpg", "4 gigapixels", "0.jpg", _JPG + _FRAME % b"\xff\xff\xff\xff", read_image, image_size)
add("jpg", "no pixels", "0.jpg", _JPG + _FRAME % b"\0\0\0\0", read_image, image_size)
add("jpg", "segments without end", "0.jpg", b"\xff\xd8" + b"\xff\xe1\0\2" * 200_000, read_image, image_size)
add("jpg", "segment of length 0", "0.jpg", b"\xff\xd8" + b"\xff\xe1\0\0" * 2000, read_image, image_size)
add("jpg", "fill bytes", "0.jpg", b"\xff\xd8" + b"\xff" * 1_000_000, read_image, image_size)
add("jpg", "no image in it", "0.jpg", _JPG + _FRAME % b"\0\x0c\0\x10", read_image)
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

_IMAGES: dict[str, Content] = {
    "a pipe": os.mkfifo,
    "a bomb": png(30_000, 30_000, b""),
    "text": b"no image",
    "of another size": png(16, 12),
}
for _what, _content in _IMAGES.items():
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

# Videos

_VIDEO = video()
for _share in (0.05, 0.3):
    add("mp4", f"cut off at {_share:.0%}", "video.mp4", _VIDEO[: int(_share * len(_VIDEO))], whole_video, recording)
add("mp4", "audio alone", "video.mp4", audio("mp4", "aac"), whole_video, recording)
add("mp4", "an image that is shown for years", "video.mp4", video(times=(0, 1, 10**6)), recording)
add("mp4", "an endless box", "video.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\0moov", whole_video)
