"""Lip-synced video of a recorded person from any speech.

    from frame_generation_pipeline import Avatar

    Avatar.load("may.avatar").generate_video("speech.wav", "result.mp4")

or, from a SyncTalk_2D checkpoint and data set:

from frame_generation_pipeline import FrameGenerationPipeline

pipeline = FrameGenerationPipeline(checkpoint_path="5.pth", encoder_path="audio_visual_encoder.pth")
pipeline.generate_video(template_dir="dataset/May", audio_path="speech.wav", output_path="result.mp4")
"""

from frame_generation_pipeline.runtime import privacy as privacy  # isort: skip  # before ONNX Runtime is imported
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import (
    AudioError,
    FeatureError,
    FrameGenerationError,
    LibraryError,
    MissingFileError,
    ModelError,
    OptionError,
    OutputError,
    PackageError,
    SessionError,
    TemplateError,
    TextError,
    VideoError,
    VoiceError,
)
from frame_generation_pipeline.pipeline import FrameGenerationPipeline

__all__ = [
    "AudioError",
    "Avatar",
    "FeatureError",
    "FrameGenerationError",
    "FrameGenerationPipeline",
    "LibraryError",
    "MissingFileError",
    "ModelError",
    "OptionError",
    "OutputError",
    "PackageError",
    "SessionError",
    "TemplateError",
    "TextError",
    "VideoError",
    "VoiceError",
]
