"""Paste a patch back into its frame."""

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.template.sequence import TemplateFrame


def paste(frame: TemplateFrame, patch: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Write `patch` (size, size, 3) uint8 BGR into the frame's box, as far as it is inside the image.

    Returns the frame's image, which is changed in place.
    """
    frame.box.paste(frame.image, patch)
    return frame.image
