"""Draw docs/blend.jpg: drawn faces whose mouths are painted in another light, as both blends write them back.

Run it in the repository's environment: `PYTHONPATH=tests python tests/make_blend_strip.py`.
"""

from pathlib import Path

import cv2
import numpy as np

from faces import draw_face
from frame_generation_pipeline.evaluate.compare import captioned
from frame_generation_pipeline.face.blend import write_back
from frame_generation_pipeline.face.crop import resize_crop
from frame_generation_pipeline.spec import BLENDS, FACE_328
from frame_generation_pipeline.template.crop_box import CropBox

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "blend.jpg"
SIZE, MIDDLE, HEIGHT = (440, 400), (220, 200), 320  # pixels
BOX = CropBox(105, 175, 230)
# Colours of the skin and the light that the painted face is in, both BGR factors of the recording's.
ROWS = {
    "darker by 12 %": ((1.0, 1.0, 1.0), (0.88, 0.88, 0.88)),
    "warmer": ((0.55, 0.65, 0.78), (0.82, 1.0, 1.1)),
    "lighter by 25 %": ((0.22, 0.27, 0.38), (1.25, 1.25, 1.25)),
}


def main() -> None:
    """Write the strip: a row for each skin and light, the recording and both blends beside each other."""
    rows = []
    inside = slice(FACE_328.margin, -FACE_328.margin)
    for name, (skin, light) in ROWS.items():
        recording, speaking = (
            (draw_face(SIZE, MIDDLE, HEIGHT, opening=opening) * np.array(skin)).round().astype(np.uint8)
            for opening in (0.0, 0.08)
        )
        crop = BOX.cut(recording)
        levels = resize_crop(BOX.cut(speaking), FACE_328)[inside, inside] * np.array(light) / 255
        output = levels.clip(0, 1).transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        images = {f"recording; painted {name}": recording}
        for blend in BLENDS:
            images[blend] = recording.copy()
            BOX.cut(images[blend])[:] = write_back(crop, resize_crop(crop, FACE_328), output, FACE_328, blend)
        rows.append(np.hstack([captioned(image, text) for text, image in images.items()]))
    cv2.imwrite(str(OUTPUT), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
