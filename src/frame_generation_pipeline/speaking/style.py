"""Options of how the frames look."""

from dataclasses import dataclass

from frame_generation_pipeline.audio.gate import AS_PACKAGED, AsPackaged, SpeechGate
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop


@dataclass(frozen=True)
class Style:
    """How the frames look; docs/look.md shows what each choice does."""

    blend: str | None = (
        None  # one of `spec.BLENDS`; None: the best that the generator has, or the one that the package names
    )
    gate: SpeechGate | AsPackaged | None = (
        AS_PACKAGED  # finds where nobody speaks; the mouth rests there. None: it never rests
    )
    steady: bool = False  # average the flicker of the mouth over three frames; live frames then come one frame later
    loop: Loop = FORTH_AND_BACK  # the order in which the template's frames are shown
