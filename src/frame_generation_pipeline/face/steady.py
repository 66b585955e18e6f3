"""Steady the mouth: average flickering pixels with the frames before and after, but not moving ones."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.face.blend import fade
from frame_generation_pipeline.spec import FaceSpec
from frame_generation_pipeline.template.sequence import TemplateFrame

WEIGHT = 2 / 3  # weight of both neighbours' mean where nothing moves; gives the mean of three frames
MOTION = 8.0  # levels, half the difference between the neighbours, at which the weight has fallen to 1/e
COARSE = 1 / 80  # share of the box's side; standard deviation of the smoothing: finer detail is not averaged

Patch = npt.NDArray[np.uint8]  # (size, size, 3) BGR


@dataclass(frozen=True)
class RenderedFrame:
    """A template frame and the patch for it; in a dissolve also the rendered frame into which it dissolves."""

    frame: TemplateFrame
    patch: Patch
    into: "RenderedFrame | None" = None
    share: float = 0.0  # the share of `into`
    planar: bool = False  # whether the complete frame is to be `Planes`

    def dissolving(self, into: "RenderedFrame", share: float) -> "RenderedFrame":
        """This frame, dissolved into another one by `share`."""
        return replace(self, into=into, share=share)


class Steadier:
    """Takes rendered frames in order and gives them one frame later, with steadied patches.

    A patch and its neighbours are aligned by their boxes. The mean is symmetric in time, so it adds no lag.
    """

    def __init__(self, spec: FaceSpec) -> None:
        self._spec = spec
        self._recent: deque[RenderedFrame] = deque(maxlen=3)

    def push(self, rendered: RenderedFrame) -> Iterator[RenderedFrame]:
        """Take the next frame; yield the one before it, if there is one. The first frame is not changed."""
        self._recent.append(rendered)
        if len(self._recent) == 3:
            yield self._middle(*self._recent)
        elif len(self._recent) == 2:
            yield self._recent[0]

    def flush(self) -> Iterator[RenderedFrame]:
        """Yield the last frame, unchanged. Nothing may be pushed after it."""
        yield from list(self._recent)[-1:]

    def _middle(self, before: RenderedFrame, rendered: RenderedFrame, after: RenderedFrame) -> RenderedFrame:
        into = rendered.into and replace(
            rendered.into,
            patch=self._steadied(before.into or before, rendered.into, after.into or after),
        )
        return replace(rendered, patch=self._steadied(before, rendered, after), into=into)

    def _steadied(self, before: RenderedFrame, rendered: RenderedFrame, after: RenderedFrame) -> Patch:
        patch = steadied(before.patch, rendered.patch, after.patch, self._spec)
        if rendered.frame.keep is not None:
            patch[rendered.frame.keep] = rendered.patch[rendered.frame.keep]
        return patch


def steadied(before: Patch, patch: Patch, after: Patch, spec: FaceSpec) -> Patch:
    """Return `patch` (size, size, 3) uint8 BGR with less flicker; its rim and moving pixels are not changed.

    before, after: the patches of the neighbouring frames, of any size.
    """
    size = patch.shape[0]
    own = patch.astype(np.float32)
    back, on = (_smoothed(_fitted(other, size).astype(np.float32) - own) for other in (before, after))
    moves = _smoothed(np.abs(on - back).max(axis=2) / 2)
    inside = fade(size, spec)
    weight = WEIGHT * np.exp(-((moves / MOTION) ** 2)) * np.outer(inside, inside)
    change = weight[..., np.newaxis] * (back + on) / 2
    return np.asarray(np.rint(own + change).clip(0, 255), np.uint8)


def _fitted(patch: Patch, size: int) -> Patch:
    return np.asarray(cv2.resize(patch, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _smoothed(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), COARSE * len(values)), np.float32)
