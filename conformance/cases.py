"""What every host must make of the tiny avatars and audio, with the tolerance of each: `cases.json`."""

from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.audio.gate import FIXED_GATE, RELATIVE_GATE, rest_shares
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.downmix import MEAN
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import AVE, STREAMING, WENET
from frame_generation_pipeline.weights import AUDIO_PROGRAMS

HERE = Path(__file__).resolve().parent
HEARING = ("ave-160", "streaming-160")  # the tiny avatars with an audio program
# Two machines' floating point may differ: levels of 255, part of the values that may be farther apart, decibels.
IMAGES = {"levels": 2, "far": 0.001, "psnr": 50.0}
FEATURES = 1e-4  # largest difference of a feature between two machines
ROW_BYTES = 4


def feature_cases(root: Path) -> list[dict[str, Any]]:
    """Features of audio files."""
    cases = []
    sources = {name: ({"avatar": f"avatars/{name}"}, root / f"avatars/{name}/programs/audio.onnx") for name in HEARING}
    for name, path in AUDIO_PROGRAMS.items():  # they are not repeated here: their paths are from the repository's root
        sources[name] = {"program": path.relative_to(HERE.parent).as_posix()}, path
    for name, (source, program) in sources.items():
        encoder = OnnxAudioProgram(program)
        for audio in ("syllables", "short", "stereo"):
            values = extract_features(decode_audio(root / f"audio/{audio}.wav"), encoder).values
            file = f"expected/{name}-{audio}.features.bin"
            values.astype("<f4").tofile(root / file)
            cases.append(
                {
                    "name": f"{name} {audio}",
                    **source,
                    "audio": f"audio/{audio}.wav",
                    "type": encoder.spec.name,
                    "shape": list(values.shape),
                    "expected": file,
                    "tolerance": FEATURES,
                }
            )
    return cases


def gate_cases(root: Path) -> list[dict[str, Any]]:
    """Which share of each frame is rest, by the gate of a package's version."""
    return [
        {
            "name": f"{audio}, {spec.name}, version {version}",
            "audio": f"audio/{audio}.wav",
            "version": version,
            "type": spec.name,
            "shares": list(islice(rest_shares(decode_audio(root / f"audio/{audio}.wav"), gate, spec), count)),
            "tolerance": 0,
        }
        for audio, spec, count in (
            ("syllables", AVE, 75),
            ("syllables", WENET, 60),
            ("short", AVE, 12),
            ("quiet", AVE, 180),
            ("quiet", WENET, 145),
            ("noisy", AVE, 165),
            ("syllables", STREAMING, 75),
            ("quiet", STREAMING, 180),
        )
        for version, gate in ((2, FIXED_GATE), (3, RELATIVE_GATE))
    ]


def downmix_cases(root: Path) -> list[dict[str, Any]]:
    """Which samples become of channels; the audio is at 16 kHz, so that nothing is resampled."""
    cases = []
    for audio in ("opposite", "centre"):
        for version, downmix in ((2, MEAN), (3, None)):
            samples = np.concatenate(list(decode_audio(root / f"audio/{audio}.wav", downmix=downmix)))
            file = f"expected/{audio}-version-{version}.samples.bin"
            samples.astype("<f4").tofile(root / file)
            cases.append(
                {
                    "name": f"{audio}, version {version}",
                    "audio": f"audio/{audio}.wav",
                    "version": version,
                    "expected": file,
                    "tolerance": 0,
                }
            )
    return cases


def window_cases(root: Path) -> list[dict[str, Any]]:
    """Windows of frames, the first and the last ones too, made of the features of a file and then of audio."""
    cases = []
    for tiny, name, source, frames in (
        ("ave-160", "of features", {"features": "audio/ave.npy"}, (0, 3, 7)),
        ("ave-160", "of audio", {"audio": "audio/syllables.wav"}, (0, 30, 67)),
        ("streaming-160", "of features", {"features": "audio/streaming.bin"}, (0, 3, 7)),
        ("streaming-160", "of audio", {"audio": "audio/syllables.wav"}, (0, 27, 33, 67)),
    ):
        avatar = Avatar.load(root / "avatars" / tiny)
        paths = {f"{kind}_path": root / path for kind, path in source.items()}
        speech = avatar.plan(paths.get("features_path"), paths.get("audio_path"))
        windows = list(speech.windows())
        file = f"expected/{tiny}-{name.replace(' ', '-')}.windows.bin"
        np.stack([windows[i] for i in frames]).astype("<f4").tofile(root / file)
        cases.append(
            {
                "name": f"{tiny} {name}",
                "avatar": f"avatars/{tiny}",
                **source,
                "count": speech.count,
                "frames": list(frames),
                "expected": file,
                "tolerance": 0 if "features" in source else FEATURES,
            }
        )
    return cases


def frame_cases(root: Path, features: dict[str, str]) -> list[dict[str, Any]]:
    """Frames of every avatar, with options; a few of each are kept as PNG.

    features: the file of each avatar's features, by its name.
    """
    cases: list[dict[str, Any]] = [{"name": name, "avatar": name, "features": file} for name, file in features.items()]
    cases += [
        {"name": "ave-160 of audio", "avatar": "ave-160", "audio": "audio/syllables.wav", "images": [0, 31, 67]},
        {
            "name": "streaming-160 of audio",
            "avatar": "streaming-160",
            "audio": "audio/syllables.wav",
            "images": [0, 31, 67],
        },
        {"name": "ave-160 of short audio", "avatar": "ave-160", "audio": "audio/short.wav"},
        {"name": "ave-160 hard", "avatar": "ave-160", "features": "audio/ave.npy", "blend": "reference"},
        {"name": "ave-160 entered later", "avatar": "ave-160", "features": "audio/ave.npy", "start_frame": 3},
        {"name": "ave-328 hard", "avatar": "ave-328", "features": "audio/ave.npy", "blend": "reference"},
        {"name": "wenet-160 feathered", "avatar": "wenet-160", "features": "audio/wenet.bin", "blend": "feathered"},
    ]
    for case in cases:
        case["avatar"] = f"avatars/{case['avatar']}"
        avatar = Avatar.load(root / case["avatar"], style=Style(blend=case.get("blend")))
        frames = list(
            avatar.frames(
                root / case["audio"] if "audio" in case else None,
                audio_features_path=root / case["features"] if "features" in case else None,
                timing=Timing(start_frame=case.get("start_frame", 0)),
            )
        )
        case["count"] = len(frames)
        indices = case.pop("images", [i for i in (2, 7) if i < len(frames)])
        case["frames"] = {}
        for index in indices:
            file = f"expected/{case['name'].replace(' ', '-')}-{index:05d}.png"
            cv2.imwrite(str(root / file), frames[index], [cv2.IMWRITE_PNG_COMPRESSION, 9])
            case["frames"][str(index)] = file
        case["tolerance"] = IMAGES
    return cases
