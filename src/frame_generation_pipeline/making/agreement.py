"""Compare two generators on frames of a recording."""

from dataclasses import dataclass

import numpy as np

from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.spec import WINDOW
from frame_generation_pipeline.template.sequence import FrameSequence

FRAMES = 3  # frames to compare, evenly spread over the recording
LEVELS = 2  # of 255, by which programs may differ from the reference
LOWEST_PSNR = 50.0  # dB
MOST_FAR = 0.001  # share of the pixels that may differ by more


@dataclass(frozen=True)
class Agreement:
    """The differences between two generators over all compared pixels."""

    psnr: float  # dB; infinite if all pixels are equal
    far: float  # share of the pixels that differ by more than LEVELS in any colour

    def __str__(self) -> str:
        return f"{self.psnr:.1f} dB, {self.far:.4%} of the pixels more than {LEVELS} levels apart"

    @property
    def holds(self) -> bool:
        """Whether the differences are small enough for one generator to replace the other."""
        return self.psnr >= LOWEST_PSNR and self.far <= MOST_FAR


def compare(a: Generator, b: Generator, recording: FrameSequence) -> Agreement:
    """Compare both on FRAMES frames with windows of normally distributed values, the same in every call."""
    draw = np.random.default_rng(0)
    squares, far = [], []
    for index in np.unique(np.linspace(0, len(recording) - 1, FRAMES).astype(int)):
        frame = recording.read(int(index))
        crop = np.ascontiguousarray(frame.box.cut(frame.image))
        window = draw.standard_normal((WINDOW, a.spec.audio.feature_size), np.float32)
        one, other = (g.render(g.encode_face(crop), window, crop, frame.keep).astype(np.int16) for g in (a, b))
        squares.append((one - other).astype(np.float64).ravel() ** 2)
        far.append((np.abs(one - other) > LEVELS).any(axis=2).ravel())
    error = float(np.concatenate(squares).mean())
    return Agreement(psnr(error), float(np.concatenate(far).mean()))
