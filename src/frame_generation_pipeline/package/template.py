"""The template of a package: images are checked and decoded from bytes in memory."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import TemplateError
from frame_generation_pipeline.media.image_header import PNG_SIGNATURE, complete_size, without_excess
from frame_generation_pipeline.package.load import Package
from frame_generation_pipeline.package.manifest import frame_path, parsing_path
from frame_generation_pipeline.package.refusal import Refusal, refusing
from frame_generation_pipeline.template.sequence import FrameSequence, TemplateFrame
from frame_generation_pipeline.template.template import kept_pixels


class PackagedTemplate(FrameSequence):
    """The frames of a package; one is in memory at a time, and any number of threads may read."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.width, self.height = package.manifest.frame.width, package.manifest.frame.height
        self.boxes = package.manifest.boxes

    @property
    def path(self) -> Path:
        """The package."""
        return self._package.path

    def __len__(self) -> int:
        return self._package.manifest.frame.count

    def read(self, index: int) -> TemplateFrame:
        """Decode frame `index`. Raises PackageError if its files are not the listed ones or no images of its size."""
        manifest, box = self._package.manifest, self.boxes[index]
        image = self._read_image(frame_path(index, manifest.frame.format), manifest.frame.format)
        keep = kept_pixels(box.cut(self._read_image(parsing_path(index), "png"))) if manifest.parsing else None
        return TemplateFrame(image, box, keep)

    def _read_image(self, name: str, image_format: str) -> npt.NDArray[np.uint8]:
        data = self._package.read(name)
        with refusing(self.path):
            return decode_image(data, name, image_format, (self.width, self.height))


def decode_image(data: bytes, name: str, image_format: str, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Decode an image (height, width, 3) uint8 BGR of exactly `size` (width, height), ignoring its EXIF orientation.

    image_format: "jpg" or "png". name: for messages. Raises Refusal.
    """
    stated = read_header(data, name, image_format)
    if stated != size:
        raise Refusal(f"{name} is {stated[0]}x{stated[1]} pixels; expected {size[0]}x{size[1]}")
    # The crop boxes belong to the stored pixels, so hosts must not apply the EXIF orientation.
    try:
        whole = np.frombuffer(without_excess(data, name), np.uint8)
        image = cv2.imdecode(whole, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except TemplateError as error:
        raise Refusal(str(error)) from error
    except cv2.error:
        image = None
    if image is None or image.shape != (size[1], size[0], 3):
        raise Refusal(f"{name} cannot be decoded to {size[0]}x{size[1]} pixels")
    return np.asarray(image, np.uint8)


def read_header(data: bytes, name: str, image_format: str) -> tuple[int, int]:
    """Width and height that an image's header states; the arguments and errors are those of `decode_image`."""
    try:
        size = complete_size(BytesIO(data), name)
    except TemplateError as error:
        raise Refusal(str(error)) from error
    if image_kind(data) != image_format:
        raise Refusal(f"{name} is no {image_format} image")
    return size


def image_kind(data: bytes) -> str:
    """The format of an image, `png` or `jpg`, by its first bytes."""
    return "png" if data.startswith(PNG_SIGNATURE) else "jpg"
