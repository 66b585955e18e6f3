"""What a training optimises and how, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from frame_generation_pipeline.errors import OptionError

MOST_FRAMES = 10_000  # that are learned from by default, seven minutes; more take room and bring little


@dataclass(frozen=True)
class Recipe:
    """Weights of the losses, 0 for off, and how steps are made; `benchmarks/recipes.py` compares them."""

    l1: float = 1.0  # mean absolute difference over the face
    mouth: float = 2.0  # the same over a square around the lips
    perceptual: float = 0.1  # difference of VGG features, see `PerceptualLoss`
    temporal: float = 0.0  # mean absolute difference between the changes of truth and output from frame to frame
    sync: float = 0.0  # SyncNet's cosine loss; a SyncNet is trained on the template first
    face_perceptual: bool = False  # look at the whole face with `perceptual`, not only around the lips

    batch: int = 4  # frames a step
    learning_rate: float = 1e-3  # Adam's
    audio_rate: float = 1.0  # the audio model's share of it; 0 leaves that part of the generator as it is
    decay: bool = True  # warm the rate up and let it fall to zero along half a cosine; otherwise it is constant
    average: float = 0.995  # decay of the running mean of the weights, which is what is kept; 0: the last weights
    coarse: float = 0.4  # this share of the training, at its beginning, sees faces at half the size
    jitter: float = 0.03  # boxes are moved and scaled by up to this share of their side
    matched: float = 0.0  # share of the samples whose reference image is of a frame in which the head stands alike
    noise: float = 0.0  # standard deviation of what is added to audio features, in each value's own
    parted: bool = False  # learn too from pauses in which the lips are apart; in use the mouth rests in pauses
    cubic: bool = True  # resize faces as at inference; otherwise bilinearly, as the original's training does

    def __post_init__(self) -> None:
        if self.temporal and self.batch % 2:
            raise OptionError("the temporal loss needs batches of an even number of frames")

    def changed(self, values: Mapping[str, float | None]) -> "Recipe":
        """The recipe with other values, by their names; None leaves one as it is."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})  # type: ignore[arg-type]


DEFAULT = Recipe()
ORIGINAL = Recipe(  # SyncTalk_2D's train_328.py
    mouth=0.0,
    perceptual=0.01,
    batch=8,
    sync=10.0,
    face_perceptual=True,
    decay=False,
    average=0.0,
    coarse=0.0,
    jitter=0.0,
    parted=True,
    cubic=False,
)
FOLLOWING = replace(  # from a generator that follows voices already
    DEFAULT, mouth=0.0, audio_rate=0.0, coarse=0.0, matched=0.5
)
DISTILLING = replace(  # from what a larger generator paints, on frames as they are in use
    DEFAULT, perceptual=0.0, batch=8, coarse=0.3, jitter=0.0
)
RECIPES = {"default": DEFAULT, "following": FOLLOWING, "original": ORIGINAL}
