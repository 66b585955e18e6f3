"""Generators exported as one graph, a template as SyncTalk_2D's users have it, and what Python makes of them."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from cases import IMAGES
from frame_generation_pipeline import FrameGenerationPipeline
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.making.half import halve
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.programs import build_network_program
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import AVE, FACE_160, FACE_328, HUBERT, REFERENCE, GeneratorSpec
from samples import draw, seeded_network, write_template

TEMPLATE = "template"
WINDOWS = "audio/ave-windows.bin"
CONTRAST = 1.0  # standard deviation of what becomes the colours
SPECS = (GeneratorSpec(FACE_328, AVE, 4), GeneratorSpec(FACE_160, HUBERT, 4))


def write_plain(root: Path) -> None:
    """Write the exports, the template, whose last box leaves the image, and a file of whole windows."""
    for spec in SPECS:
        network = seeded_network(spec)
        assert isinstance(network, GeneratorNetwork)  # as these specs have it
        _add_contrast(network)
        program = halve(build_network_program(network).SerializeToString(deterministic=True))
        (root / f"plain/{spec.face.name}-{spec.audio.name}.onnx").write_bytes(program)
    template = write_template(root / TEMPLATE, 4, size=(131, 97))
    last = template / "landmarks/3.lms"
    points = last.read_text().splitlines()
    points[1], points[31], points[52] = "88.9 50", "139.2 50", "110 60.5"
    last.write_text("\n".join(points))
    windows = np.stack(list(AudioFeatures.load(root / "audio/ave.npy", AVE).windows(3, 2)))
    windows.astype("<f4").tofile(root / WINDOWS)
    stated = {"num_frames": 3, "feature_size": windows[0].size, "shape": [3, *AVE.window_shape]}
    (root / f"{WINDOWS}.json").write_text(json.dumps(stated) + "\n")


def _add_contrast(network: GeneratorNetwork) -> None:
    """Scale and shift the last layer of the network, as images of so small ones are nearly grey."""
    face, convolution = network.spec.face, network.outc.conv
    soft = cv2.resize(draw("face", (12, 12, 6)), (face.size, face.size), interpolation=cv2.INTER_CUBIC)
    image = torch.from_numpy(soft.transpose(2, 0, 1)[np.newaxis] / 4 + 0.5)
    assert convolution.bias is not None
    with torch.no_grad():
        logits = torch.logit(network(image, torch.from_numpy(draw("audio", (1, *network.spec.audio.window_shape)))))
        scale = CONTRAST / logits.std((0, 2, 3))
        convolution.weight *= scale[:, np.newaxis, np.newaxis, np.newaxis]
        convolution.bias.sub_(logits.mean((0, 2, 3))).mul_(scale)


def plain_cases(root: Path) -> list[dict[str, Any]]:
    """Frames of the exports; some are kept as PNG."""
    cases: list[dict[str, Any]] = [
        {"name": "328-ave", "features": "audio/ave.npy"},
        {"name": "328-ave of windows", "features": WINDOWS, "start_frame": 1},
        {"name": "160-hubert", "features": "audio/hubert.bin"},
        {"name": "160-hubert feathered", "features": "audio/hubert.bin", "blend": "feathered"},
    ]
    for case in cases:
        model, mode = case["name"].split()[0], case["name"].split()[0].split("-")[1]
        case |= {"model": f"plain/{model}.onnx", "template": TEMPLATE, "mode": mode, "tolerance": IMAGES}
        style = Style(case.setdefault("blend", REFERENCE), None)
        pipeline = FrameGenerationPipeline(model_path=root / case["model"], mode=mode, style=style)
        timing = Timing(start_frame=case.get("start_frame", 0))
        avatar = pipeline.avatar(root / TEMPLATE)
        frames = list(avatar.frames(audio_features_path=root / case["features"], timing=timing))
        case["count"] = len(frames)
        case["frames"] = {}
        for index in (0, 2):
            file = f"expected/plain-{case['name'].replace(' ', '-')}-{index:05d}.png"
            cv2.imwrite(str(root / file), frames[index], [cv2.IMWRITE_PNG_COMPRESSION, 9])
            case["frames"][str(index)] = file
    return cases
