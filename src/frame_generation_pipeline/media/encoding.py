"""Options of how videos and images are encoded."""

from dataclasses import dataclass

from frame_generation_pipeline.media.codecs import DEFAULT_PRESET


@dataclass(frozen=True)
class Encoding:
    """How frames are encoded: `crf` and `preset` for videos, `frame_format` for folders of images."""

    crf: int | None = None  # constant rate factor, lower is better; None: the codec's default (20; webm 32)
    preset: str = DEFAULT_PRESET  # the encoder's preset, from ultrafast to veryslow
    frame_format: str = "png"  # png or jpg
    provenance: bool = True  # mark every file as generated in its metadata, see `media.provenance`
