"""Render the images to measure: faces that the network paints, and baselines to compare them with."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.audio.features import network_window
from frame_generation_pipeline.evaluate.figures import Box
from frame_generation_pipeline.face.blend import write_back
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.generator.protocol import Generator, NetworkGenerator
from frame_generation_pipeline.spec import REFERENCE, FaceSpec
from frame_generation_pipeline.template.sequence import TemplateFrame


@dataclass(frozen=True)
class Choice:
    """The frames of the training part that replace those of the held-out part, one for each."""

    references: tuple[int, ...]  # in order, forth and back, as in use
    mouths: tuple[int, ...]  # drawn independently of each other

    @classmethod
    def draw(cls, train: list[int], count: int, seed: int) -> "Choice":
        """Draw `count` of each from `train`, which holds at least one frame; depends on the arguments alone."""
        rng = np.random.default_rng(seed)
        turn = max(len(train) - 1, 1)
        start = int(rng.integers(2 * turn))
        steps = [turn - abs(turn - (start + i) % (2 * turn)) for i in range(count)]  # forth and back
        references = tuple(train[min(step, len(train) - 1)] for step in steps)
        return cls(references, tuple(train[i] for i in rng.integers(len(train), size=count)))


def reconstruct(
    generator: NetworkGenerator, target: TemplateFrame, reference: TemplateFrame, window: Window, blend: str
) -> Frame:
    """Render the target's face, with the reference's crop as the unmasked input of the network; returns the image.

    window: see `audio.features.feature_window`. blend: one of `spec.BLENDS`. Neither frame is changed.
    """
    face = generator.spec.face
    resized = resize_crop(target.box.cut(target.image), face)
    image = network_input(resized, face)
    image[:, :3] = network_input(resize_crop(reference.box.cut(reference.image), face), face)[:, :3]
    output = generator.run(generator.encode_image(image), network_window(window, generator.spec.audio))
    return _pasted(target, resized, output, face, blend)


def with_face(target: TemplateFrame, reference: TemplateFrame, face: FaceSpec) -> Frame:
    """Return the target's image with the reference's face where the network would paint."""
    resized = resize_crop(target.box.cut(target.image), face)
    shown = network_input(resize_crop(reference.box.cut(reference.image), face), face)[:, :3]
    # Half a level more, because painted levels are truncated to whole numbers.
    return _pasted(target, resized, shown + np.float32(0.5 / 255), face, REFERENCE)


def with_mouth(target: TemplateFrame, square: Box, other: TemplateFrame, other_square: Box) -> Frame:
    """Return the target's image with the other's mouth, resized from square to square; both are inside the images."""
    image = target.image.copy()
    left, top, right, bottom = square
    mouth = other.image[other_square[1] : other_square[3], other_square[0] : other_square[2]]
    image[top:bottom, left:right] = cv2.resize(mouth, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    return image


def dub(generator: Generator, frame: TemplateFrame, window: Window, blend: str) -> Frame:
    """Render the frame's face for `window`, as in use, and return the image. The frame is not changed."""
    crop = frame.box.cut(frame.image)
    patch = generator.render(generator.encode_face(crop), window, crop, frame.keep, blend)
    return paste(_copy(frame), patch)


def _pasted(
    target: TemplateFrame, resized: Frame, output: npt.NDArray[np.float32], face: FaceSpec, blend: str
) -> Frame:
    crop = target.box.cut(target.image)
    patch = write_back(crop, resized, output, face, blend)
    if target.keep is not None:
        patch[target.keep] = crop[target.keep]
    return paste(_copy(target), patch)


def _copy(frame: TemplateFrame) -> TemplateFrame:
    return TemplateFrame(frame.image.copy(), frame.box, frame.keep)
