"""The specs of generators and of audio features: values for everything in which they differ.

Everything here is established from the original SyncTalk_2D programs; `generator/`, `face/` and `audio/` read these
values and branch on nothing else.
"""

from dataclasses import dataclass
from math import prod

SAMPLE_RATE = 16_000  # Hz; every audio feature is computed at this rate
WINDOW = 16  # features in the window that the generator sees


@dataclass(frozen=True)
class AudioSpec:
    """One type of audio feature: the shape of a feature, and the shape in which a window enters the network."""

    name: str
    fps: int  # features, and so video frames, a second
    feature_shape: tuple[int, ...]  # one feature as the original programs store it
    window_shape: tuple[int, int, int]  # (channels, height, width) of a window, row-major
    before: int = 8  # features of a window before its frame; the others are from the frame on

    @property
    def feature_size(self) -> int:
        """Values in one feature (F)."""
        return prod(self.feature_shape)

    @property
    def ahead(self) -> int:
        """Frames from a frame to that of its window's last feature."""
        return WINDOW - self.before - 1


AVE = AudioSpec("ave", fps=25, feature_shape=(512,), window_shape=(32, 16, 16))
HUBERT = AudioSpec("hubert", fps=25, feature_shape=(2, 1024), window_shape=(32, 32, 32))
WENET = AudioSpec("wenet", fps=20, feature_shape=(8192,), window_shape=(256, 16, 32))
WHISPER = AudioSpec("whisper", fps=25, feature_shape=(256,), window_shape=(16, 16, 16))  # see `audio.whisper`
STREAMING = AudioSpec("streaming", 25, (240,), (16, 15, 16), before=12)  # see `audio.streaming`
AUDIO_SPECS = {spec.name: spec for spec in (AVE, HUBERT, WENET, WHISPER, STREAMING)}


@dataclass(frozen=True)
class FaceSpec:
    """The geometry of a face: from the crop to the network's input and back, in pixels."""

    name: str  # the original's name, which is the side of its crop or of its input
    size: int  # side of the network's square input and output
    margin: int  # width of the resized crop's rim, which keeps the recording's pixels
    cubic: bool  # resize with INTER_CUBIC, otherwise INTER_LINEAR
    mask: tuple[int, int, int, int]  # x, y, width, height of the blacked-out rectangle, inside the network's input
    cells: int = 20  # cells along a side of the painted square, whose mean colours are compared with the recording's

    @property
    def crop_size(self) -> int:
        """Side of the resized crop: the network's region with its rim."""
        return self.size + 2 * self.margin


FACE_328 = FaceSpec("328", size=320, margin=4, cubic=True, mask=(5, 5, 310, 305))
FACE_160 = FaceSpec("160", size=160, margin=4, cubic=False, mask=(5, 5, 150, 145))
# Ours: of the crop that 328 resizes, the square that the mouth can change, whose lower edge the chin may reach.
FACE_MOBILE = FaceSpec("mobile", size=256, margin=36, cubic=True, mask=(8, 8, 240, 248), cells=16)
FACE_SPECS = {spec.name: spec for spec in (FACE_328, FACE_160, FACE_MOBILE)}


@dataclass(frozen=True)
class GeneratorSpec:
    """One generator: its face geometry, its audio feature and the width of its U-Net."""

    face: FaceSpec
    audio: AudioSpec
    width: int = 32  # channels at the first level; each of the next four has twice as many. Mobile begins at the second

    @property
    def widths(self) -> tuple[int, int, int, int, int]:
        """Channels of the five levels."""
        w = self.width
        return w, 2 * w, 4 * w, 8 * w, 16 * w

    @property
    def name(self) -> str:
        """Short name, such as `328-ave`, `160-hubert` or `328-ave-light`."""
        usual = {FULL: "", LIGHT: "-light"} if self.face != FACE_MOBILE else {LIGHT: ""}
        width = usual.get(self.width, f"-width{self.width}")
        return f"{self.face.name}-{self.audio.name}{width}"


REFERENCE, FEATHERED = "reference", "feathered"  # blends: the original's hard paste; without an edge, `face.blend`
BLENDS = (REFERENCE, FEATHERED)  # the render program takes their indices

FULL, LIGHT = 32, 16  # widths: SyncTalk_2D's own, and the one that its comments suggest for mobile devices
NETWORKS = {
    "full": (FACE_328, FULL),
    "light": (FACE_328, LIGHT),
    "mobile": (FACE_MOBILE, LIGHT),
}  # by the names that users give
