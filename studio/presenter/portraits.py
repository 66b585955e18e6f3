"""Images from files."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt


def read_image(path: Path) -> npt.NDArray[Any]:
    """(height, width, 3) uint8 BGR; OSError that names the file where it is no image."""
    image = cv2.imread(str(path))
    if image is None:
        raise OSError(f"{path}: an image was expected here; make it again with the command that writes it")
    return np.asarray(image, np.uint8)
