"""What differs between the generators and between the audio features, as values.

Everything here is established from the original SyncTalk_2D programs; `generator/`, `face/` and `audio/` read these
values and branch on nothing else.
"""

from dataclasses import dataclass
from math import prod

SAMPLE_RATE = 16_000  # Hz; every audio feature is computed at this rate
WINDOW = 16  # features in the window that the generator sees
WINDOW_BEFORE = 8  # of these, the features before the frame; the others are from it on


@dataclass(frozen=True)
class AudioSpec:
    """One type of audio feature: what a video frame's feature looks like and how a window of 16 enters the network."""

    name: str
    fps: int  # features, and so video frames, a second
    feature_shape: tuple[int, ...]  # one feature as the original programs store it
    window_shape: tuple[int, int, int]  # (channels, height, width) of a window, row-major

    @property
    def feature_size(self) -> int:
        """Values in one feature (F)."""
        return prod(self.feature_shape)


AVE = AudioSpec("ave", fps=25, feature_shape=(512,), window_shape=(32, 16, 16))
HUBERT = AudioSpec("hubert", fps=25, feature_shape=(2, 1024), window_shape=(32, 32, 32))
WENET = AudioSpec("wenet", fps=20, feature_shape=(8192,), window_shape=(256, 16, 32))
AUDIO_SPECS = {spec.name: spec for spec in (AVE, HUBERT, WENET)}


@dataclass(frozen=True)
class FaceSpec:
    """How a face crop becomes network input and how the output goes back; pixels throughout."""

    size: int  # side of the network's square input and output
    margin: int  # rim of the resized crop that stays the original's
    cubic: bool  # resize with INTER_CUBIC, otherwise INTER_LINEAR
    mask: tuple[int, int, int, int]  # x, y, width, height of the blacked-out rectangle, inside the network's input
    has_parsing: bool  # a parsing picture may keep original pixels

    @property
    def crop_size(self) -> int:
        """Side of the resized crop: the network's region with its rim."""
        return self.size + 2 * self.margin


FACE_328 = FaceSpec(size=320, margin=4, cubic=True, mask=(5, 5, 310, 305), has_parsing=True)
FACE_160 = FaceSpec(size=160, margin=4, cubic=False, mask=(5, 5, 150, 145), has_parsing=False)

FULL_WIDTHS = (32, 64, 128, 256, 512)
LIGHT_WIDTHS = (16, 32, 64, 128, 256)  # "for mobile devices" in the original's comments


@dataclass(frozen=True)
class GeneratorSpec:
    """One generator: its face geometry, its audio feature and the channel widths of its U-Net."""

    face: FaceSpec
    audio: AudioSpec
    widths: tuple[int, int, int, int, int] = FULL_WIDTHS

    @property
    def name(self) -> str:
        """Short name as people say it: `328-ave`, `160-hubert`, `328-ave-light`."""
        side = self.face.crop_size if self.face.cubic else self.face.size
        return f"{side}-{self.audio.name}" + ("-light" if self.widths == LIGHT_WIDTHS else "")


GENERATOR_SPECS = {
    spec.name: spec
    for spec in (
        GeneratorSpec(face, audio, widths)
        for face in (FACE_328, FACE_160)
        for audio in AUDIO_SPECS.values()
        for widths in (FULL_WIDTHS, LIGHT_WIDTHS)
    )
}
