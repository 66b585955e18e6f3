import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.spec import (
    AUDIO_SPECS,
    AVE,
    FACE_328,
    FACE_MOBILE,
    FACE_SPECS,
    LIGHT,
    WHISPER,
    GeneratorSpec,
)
from samples import TINY, draw, seeded_network

TOLERANCE = 1e-5  # stated by the conformance vectors for PyTorch


@pytest.mark.parametrize("audio", ["ave", "hubert", "wenet"])
@pytest.mark.parametrize("face", ["328", "160"])
def test_equals_the_original(reference_dir: Path, seeded_weights: ModuleType, face: str, audio: str) -> None:
    shapes = reference_dir / f"shapes_unet{face}_{audio}.json"
    network = GeneratorNetwork(GeneratorSpec(FACE_SPECS[face], AUDIO_SPECS[audio])).eval()
    assert {name: list(value.shape) for name, value in network.state_dict().items()} == json.loads(shapes.read_text())
    weights = seeded_weights.seeded_state_dict(shapes)
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, strict=True)
    vector = np.load(reference_dir / f"network_{face}_{audio}.npz")
    with torch.inference_mode():
        output = network(torch.tensor(vector["image_u8"] / np.float32(255)), torch.tensor(vector["audio"]))
    np.testing.assert_allclose(output.numpy(), vector["output"], rtol=0, atol=TOLERANCE)


def test_light_is_a_quarter_of_the_parameters() -> None:
    light = GeneratorNetwork(GeneratorSpec(FACE_328, AVE, LIGHT))
    assert sum(parameter.numel() for parameter in light.parameters()) == 3_095_471


def test_two_steps_are_the_whole() -> None:
    network = seeded_network()
    image = torch.tensor(np.abs(draw("image", (2, 6, 160, 160)))).clamp(0, 1)
    audio = torch.tensor(draw("audio", (2, *TINY.audio.window_shape)))
    with torch.inference_mode():
        assert torch.equal(network(image, audio), network.render(network.encode_image(image), audio))


def test_audio_and_image_both_matter() -> None:
    network = seeded_network()
    image = torch.tensor(np.abs(draw("image", (1, 6, 160, 160)))).clamp(0, 1)
    audio = torch.tensor(draw("audio", (1, *TINY.audio.window_shape)))
    with torch.inference_mode():
        output = network(image, audio)
        assert output.shape == (1, 3, 160, 160)
        assert (network(image, audio * 0.5) - output).abs().max() > 0.01
        assert (network(image * 0.5, audio) - output).abs().max() > 0.01


def test_mobile_begins_without_a_grid() -> None:
    spec = GeneratorSpec(FACE_MOBILE, WHISPER, LIGHT)
    network = build_network(spec).eval()
    image, audio = draw("image", (1, 6, 256, 256)), draw("audio", (1, *WHISPER.window_shape))
    with torch.inference_mode():
        output = network(torch.tensor(np.abs(image)).clamp(0, 1), torch.tensor(audio))
    blocks = output.reshape(1, 3, 64, 4, 64, 4)
    assert output.shape == (1, 3, 256, 256)
    assert output.std() > 0
    assert torch.equal(blocks, blocks[:, :, :, :1, :, :1].expand_as(blocks))


def test_mobile_draws_no_grid_whatever_it_learned() -> None:
    network = build_network(GeneratorSpec(FACE_MOBILE, WHISPER, width=4))
    network.outc.load_state_dict(
        {name: torch.tensor(draw(name, tuple(value.shape))) for name, value in network.outc.state_dict().items()}
    )
    column = torch.tensor(draw("column", (1, 16, 12, 1))).expand(-1, -1, -1, 12)
    with torch.inference_mode():
        rows, columns = network.leave(column), network.leave(column.mT).mT
        free = network.leave(column + column.mT)
    for faces in (rows, columns):
        inner = faces[..., 4:-4, 4:-4]  # beyond the edge there are zeros
        torch.testing.assert_close(inner, inner[..., :1].expand_as(inner))
        assert inner[..., 0].std() > 0.1
    blocks = free.reshape(3, 12, 4, 12, 4)
    assert blocks.std(dim=(2, 4)).mean() > 0.1, "pixels of a block differ where something changes"


def test_mobile_hears_as_light_does() -> None:
    mobile = build_network(GeneratorSpec(FACE_MOBILE, WHISPER, LIGHT))
    light = build_network(GeneratorSpec(FACE_328, WHISPER, LIGHT))
    mobile.audio_model.load_state_dict(light.audio_model.state_dict(), strict=True)
    window = torch.tensor(draw("window", (1, *WHISPER.window_shape)))
    first = [
        model.eval().conv4(torch.relu(model.bn3(model.conv3(model.conv2(model.conv1(window))))))
        for model in (mobile.audio_model, light.audio_model)
    ]
    with torch.inference_mode():
        small, large = (model.conv5(x) for model, x in zip((mobile.audio_model, light.audio_model), first, strict=True))
    assert small.shape[2:] == (8, 8)
    assert torch.allclose(small, large[:, :, 1:-1, 1:-1], atol=1e-5)
