"""From the generator's output back to the crop and the frame."""

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.spec import FaceSpec
from frame_generation_pipeline.template.sequence import TemplateFrame

from .crop import interpolation


def restore_crop(
    resized: npt.NDArray[np.uint8], output: npt.NDArray[np.float32], size: tuple[int, int], spec: FaceSpec
) -> npt.NDArray[np.uint8]:
    """The crop with the generated face in it, (h, w, 3) uint8 BGR; its rim stays the original's.

    resized: (crop_size, crop_size, 3) uint8 BGR, from `resize_crop`. output: (1, 3, size, size) float32 in [0, 1].
    size: (h, w) of the crop in the frame.
    """
    face = resized.copy()
    inner = (output[0] * 255).astype(np.uint8).transpose(1, 2, 0)  # truncated, as the original does
    face[spec.margin : -spec.margin, spec.margin : -spec.margin] = inner
    return np.asarray(cv2.resize(face, size[::-1], interpolation=interpolation(spec)), np.uint8)


def paste(frame: TemplateFrame, patch: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Write `patch` (size, size, 3) uint8 BGR over the frame's box; returns the frame's picture, changed in place."""
    frame.box.cut(frame.image)[:] = patch
    return frame.image
