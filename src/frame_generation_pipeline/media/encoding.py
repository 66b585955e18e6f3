"""How videos and images are encoded, as a value."""

from dataclasses import dataclass

from frame_generation_pipeline.media.codecs import DEFAULT_PRESET


@dataclass(frozen=True)
class Encoding:
    """How the frames are encoded. `crf` and `preset` are for videos, `frame_format` is for folders of images."""

    crf: int | None = None  # constant rate factor, lower is better; None for the codec's usual one (20; webm 32)
    preset: str = DEFAULT_PRESET  # the encoder's preset, from ultrafast to veryslow
    frame_format: str = "png"  # png or jpg
    provenance: bool = True  # say in every file's metadata that it is generated, see `media.provenance`
