"""PyTorch with several frames at once, as on a GPU."""

from pathlib import Path

import numpy as np
import pytest
import torch

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.spec import REFERENCE
from frame_generation_pipeline.template.template import Template
from samples import seeded_network


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_several_frames_at_once_are_the_same(
    device: str, template_dir: Path, features_path: Path, tmp_path: Path
) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    videos = []
    for concurrency in (1, 3):
        generator = TorchGenerator(seeded_network(), device, concurrency)
        avatar = Avatar(Template.open(template_dir), generator, style=Style(blend=REFERENCE))
        assert avatar.engine is not None
        assert avatar.engine.workers == (3 if concurrency == 3 else 0)
        video = avatar.generate_video(None, tmp_path / f"{concurrency}.mp4", audio_features_path=features_path)
        videos.append((video.read_bytes(), list(avatar.frames(audio_features_path=features_path))))
    (one_video, one), (other_video, other) = videos
    assert one_video == other_video
    assert len(one) == 8
    np.testing.assert_array_equal(one, other)
