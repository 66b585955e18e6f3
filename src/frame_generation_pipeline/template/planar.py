"""Keep a template's frames in the form that encoders take, so that each is decoded and converted once."""

from dataclasses import dataclass

import numpy as np

from frame_generation_pipeline.arrays import Frame, Planes
from frame_generation_pipeline.files.records import Records, record_type
from frame_generation_pipeline.media.images import to_planes
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.sequence import Background, FrameSequence, TemplateFrame

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom


def planar_record(template: FrameSequence) -> np.dtype[np.void]:
    """The type of the records in which `PlanarFrames` keeps a template's frames."""
    width, height = template.width + template.width % 2, template.height + template.height % 2
    around = (_around(box, template.width, template.height) for box in template.boxes)
    largest = max((right - left) * (bottom - top) for left, top, right, bottom in around)
    return record_type([("planes", np.uint8, (height * 3 // 2, width)), ("around", np.uint8, (largest, 3))])


@dataclass(frozen=True)
class PlanarFrames:
    """Reads a template's frames with their `Background`; `image` and `box` are those of the part around the face.

    Frames beyond the number of records, and frames with pixels to keep, are read from the template as they are.
    """

    template: FrameSequence
    records: Records  # of the type that `planar_record` gives

    def read(self, index: int) -> TemplateFrame:
        """Read frame `index`, counted from 0. Any number of threads may read. Raises as template and records do."""
        if index >= self.records.places:
            return self.template.read(index)
        box = self.template.boxes[index]
        left, top, right, bottom = _around(box, self.template.width, self.template.height)
        shape = (bottom - top, right - left, 3)
        if (kept := self.records.find(index)) is not None:
            planes: Planes = kept["planes"]
            image: Frame = kept["around"][: shape[0] * shape[1]].reshape(shape).copy()
        else:
            frame = self.template.read(index)
            if frame.keep is not None:
                return frame
            planes, image = to_planes(frame.image), frame.image[top:bottom, left:right].copy()
            self.records.keep(index, {"planes": planes, "around": image.reshape(-1, 3)})
        return TemplateFrame(image, CropBox(box.x - left, box.y - top, box.size), None, Background(planes, left, top))


def _around(box: CropBox, width: int, height: int) -> Rectangle:
    """The part of the image under a box, widened to even pixels, because a chroma sample covers two by two."""
    right, bottom = box.x + box.size, box.y + box.size
    left, top = (max(side, 0) // 2 * 2 for side in (box.x, box.y))
    return left, top, min(right + right % 2, width), min(bottom + bottom % 2, height)
