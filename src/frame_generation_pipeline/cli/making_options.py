"""Options of the commands that make avatars and generators, as values."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from frame_generation_pipeline.errors import check_choice
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.train.recipe import RECIPES, Recipe

Batch = Annotated[int | None, typer.Option(min=1, help="Samples a step; more keep a GPU busy [default: the recipe's].")]
Loss = Annotated[float | None, typer.Option(min=0, help="Weight of this loss, 0 for off [default: the recipe's].")]


@dataclass(frozen=True)
class LabelOptions:
    """Name, licence and credits of the avatar."""

    name: Annotated[str | None, typer.Option(help="[default: the output's name]")] = None
    licence: Annotated[str, typer.Option(help="Licence of the avatar, such as CC-BY-4.0.")] = ""
    credit: Annotated[list[str] | None, typer.Option(help="Whom to thank; may be repeated.")] = None

    def value(self) -> Label:
        """These as a value."""
        return Label(self.name, self.licence, tuple(self.credit or ()))


AvOffset = Annotated[
    int | None,
    typer.Option(
        min=-1000,
        max=1000,
        help="Milliseconds that the recording's audio comes after the lips, 0 to leave it [default: as lips tell].",
    ),
]


@dataclass(frozen=True)
class RecipeOptions:
    """The losses and the steps of the training."""

    recipe: Annotated[
        str, typer.Option(help="default; following, from a start that knows voices; original, SyncTalk_2D's own.")
    ] = "default"
    l1: Loss = None
    mouth: Loss = None
    perceptual: Loss = None
    temporal: Loss = None
    sync: Loss = None
    adversarial: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Weight of a network that tells painted mouths from recorded ones, relative to all other losses"
            " [default: the recipe's].",
        ),
    ] = None
    opening: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of a sample's weight that grows with how unusual the opening is [default: the recipe's].",
        ),
    ] = None
    audio_rate: Annotated[
        float | None,
        typer.Option(min=0, help="The audio model's share of the learning rate, 0 to keep it [default: the recipe's]."),
    ] = None
    noise: Annotated[
        float | None,
        typer.Option(min=0, help="On audio features, in their standard deviations [default: the recipe's]."),
    ] = None
    matched: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the samples whose reference image shows the head as it stands [default: the recipe's].",
        ),
    ] = None
    coarse: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the training with faces at half the size [default: the recipe's]."),
    ] = None
    batch: Batch = None

    def value(self) -> Recipe:
        """These as a value. Raises OptionError for an unknown recipe."""
        check_choice("recipe", self.recipe, RECIPES)
        return RECIPES[self.recipe].changed({name: value for name, value in asdict(self).items() if name != "recipe"})
