"""From a face crop to the generator's input."""

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.spec import FaceSpec


def interpolation(spec: FaceSpec) -> int:
    """OpenCV's flag for the resizing that `spec` was trained with."""
    return cv2.INTER_CUBIC if spec.cubic else cv2.INTER_LINEAR


def resize_crop(crop: npt.NDArray[np.uint8], spec: FaceSpec) -> npt.NDArray[np.uint8]:
    """Resize a crop (h, w, 3) uint8 BGR to the generator's size with its rim, (crop_size, crop_size, 3) uint8."""
    size = (spec.crop_size, spec.crop_size)
    return np.asarray(cv2.resize(crop, size, interpolation=interpolation(spec)), np.uint8)


def network_input(resized: npt.NDArray[np.uint8], spec: FaceSpec) -> npt.NDArray[np.float32]:
    """The network's input: the inner region unchanged and masked, (1, 6, size, size) float32 BGR BGR in [0, 1].

    resized: (crop_size, crop_size, 3) uint8 BGR, from `resize_crop`.
    """
    inner = resized[spec.margin : -spec.margin, spec.margin : -spec.margin]
    stacked = np.concatenate([inner, mask_face(inner, spec)], axis=2).transpose(2, 0, 1)
    return stacked[np.newaxis].astype(np.float32) / np.float32(255)


def mask_face(inner: npt.NDArray[np.uint8], spec: FaceSpec) -> npt.NDArray[np.uint8]:
    """A copy of the network's region (size, size, 3) with its middle blacked out."""
    x, y, width, height = spec.mask
    masked = inner.copy()
    masked[y : y + height, x : x + width] = 0
    return masked
