"""Options of a training: losses and steps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from frame_generation_pipeline.errors import OptionError

MOST_FRAMES = 10_000  # frames used by default, seven minutes; more take room and improve little


@dataclass(frozen=True)
class Recipe:
    """Weights of the losses, 0 for off, and options of the steps; `benchmarks/recipes.py` compares recipes."""

    l1: float = 1.0  # mean absolute difference over the face
    mouth: float = 2.0  # the same over a square around the lips
    perceptual: float = 0.1  # difference of VGG features, see `PerceptualLoss`
    temporal: float = 0.0  # mean absolute difference between the changes from frame to frame of output and target
    sync: float = 0.0  # SyncNet's cosine loss; a SyncNet is trained on the template first
    adversarial: float = 0.0  # see `Adversary`; the gradient at the mouth, relative to that of all other losses
    opening: float = 0.0  # share of a sample's weight, 0 to 1, that its opening decides, see `opening_weights`
    face_perceptual: bool = False  # `perceptual` over the whole face and not only around the lips

    batch: int = 4  # frames a step
    learning_rate: float = 1e-3  # Adam's
    audio_rate: float = 1.0  # factor of the audio model's learning rate; 0 keeps its weights
    decay: bool = True  # warm-up, then half a cosine down to zero; otherwise the rate is constant
    average: float = 0.995  # decay of the running mean of the weights, which is saved; 0: save the last weights
    coarse: float = 0.4  # share of the training, at its beginning, with faces of half the size
    jitter: float = 0.03  # boxes are moved and scaled by up to this share of their side
    matched: float = 0.0  # share of the samples whose reference image has a similar head pose
    noise: float = 0.0  # standard deviation of noise on features, relative to that of each value
    parted: bool = False  # also train on pauses with open lips; in use, the mouth rests in pauses
    cubic: bool = True  # resize faces as at inference; otherwise bilinearly, as the original's training does

    def __post_init__(self) -> None:
        if self.temporal and self.batch % 2:
            raise OptionError("the temporal loss needs batches of an even number of frames")
        if not 0 <= self.opening <= 1:
            raise OptionError(f"the share of the weights that openings decide is from 0 to 1, not {self.opening}")

    def changed(self, values: Mapping[str, float | None]) -> "Recipe":
        """The recipe with other values by name; None keeps a value."""
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
FOLLOWING = replace(  # after a generator that follows voices already
    DEFAULT, mouth=0.0, adversarial=1.5, audio_rate=0.0, coarse=0.0, matched=0.5
)
DISTILLING = replace(  # for what a larger generator paints, on frames as in use
    DEFAULT, perceptual=0.0, batch=8, coarse=0.3, jitter=0.0
)
RECIPES = {"default": DEFAULT, "following": FOLLOWING, "original": ORIGINAL}
