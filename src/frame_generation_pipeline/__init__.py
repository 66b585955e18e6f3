"""Lip-synced video of a recorded person from any speech.

from frame_generation_pipeline import FrameGenerationPipeline

pipeline = FrameGenerationPipeline(checkpoint_path="5.pth", encoder_path="audio_visual_encoder.pth")
pipeline.generate_video(template_dir="dataset/May", audio_path="speech.wav", output_path="result.mp4")
"""

from .errors import (
    AudioError,
    FeatureError,
    FrameGenerationError,
    MissingFileError,
    ModelError,
    OptionError,
    OutputError,
    TemplateError,
    VideoError,
)
from .pipeline import FrameGenerationPipeline

__all__ = [
    "AudioError",
    "FeatureError",
    "FrameGenerationError",
    "FrameGenerationPipeline",
    "MissingFileError",
    "ModelError",
    "OptionError",
    "OutputError",
    "TemplateError",
    "VideoError",
]
