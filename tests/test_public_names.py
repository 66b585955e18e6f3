"""What people import; a name that goes away breaks them."""

import subprocess
import sys

import frame_generation_pipeline


def test_public_names() -> None:
    assert frame_generation_pipeline.__all__ == [
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
    for name in frame_generation_pipeline.__all__:
        assert getattr(frame_generation_pipeline, name).__doc__


def test_an_avatar_takes_no_torch() -> None:
    """Neither importing nor the command line's help may load what only the extra `[train]` brings."""
    program = (
        "import sys, frame_generation_pipeline.cli.app, frame_generation_pipeline.speaking.session\n"
        "assert not {'torch', 'onnx', 'safetensors'} & set(sys.modules), set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
