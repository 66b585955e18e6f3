"""How far two generators are apart on frames of a recording."""

from dataclasses import dataclass

import numpy as np

from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.spec import WINDOW
from frame_generation_pipeline.template.sequence import FrameSequence

FRAMES = 3  # compared, evenly spread over the recording
LEVELS = 2  # of 255, that programs may be apart from the reference
LOWEST_PSNR = 50.0  # dB
MOST_FAR = 0.001  # of the pixels


@dataclass(frozen=True)
class Agreement:
    """Differences over all compared pixels."""

    psnr: float  # dB; infinite where all are equal
    far: float  # part of the pixels that are more than LEVELS apart in any colour

    def __str__(self) -> str:
        return f"{self.psnr:.1f} dB, {self.far:.4%} of the pixels more than {LEVELS} levels apart"

    @property
    def holds(self) -> bool:
        """Whether one generator can replace the other."""
        return self.psnr >= LOWEST_PSNR and self.far <= MOST_FAR


def compare(a: Generator, b: Generator, recording: FrameSequence) -> Agreement:
    """Compare both on FRAMES frames for windows of normally distributed values, which are always the same ones."""
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
