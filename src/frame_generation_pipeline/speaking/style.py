"""How the frames look, as a value."""

from dataclasses import dataclass

from frame_generation_pipeline.audio.gate import AS_PACKAGED, AsPackaged, SpeechGate
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop


@dataclass(frozen=True)
class Style:
    """How the frames look; docs/look.md shows what each choice does."""

    blend: str | None = None  # of `spec.BLENDS`; None for the best that the generator or package offers
    gate: SpeechGate | AsPackaged | None = AS_PACKAGED  # tells where nobody speaks and the mouth rests; None for never
    steady: bool = False  # average flicker of the mouth with the neighbouring frames; live frames come one later
    loop: Loop = FORTH_AND_BACK  # in which order the template's frames are shown
