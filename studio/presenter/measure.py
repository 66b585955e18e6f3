"""The PSNR of a generator's mouths in use, on speech whose truth is rendered.

It is shown frames whose mouth rests, and paints what is said; the truth are the same frames, drawn with the mouth that
speaks (`speech --rest` writes both). Everything else `framegen evaluate --phones` measures.
"""

from pathlib import Path

import cv2
import numpy as np
import soundfile

from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.evaluate.figures import cut, overall_psnr, squared_error
from frame_generation_pipeline.evaluate.rendering import dub
from frame_generation_pipeline.evaluate.track import Truth
from frame_generation_pipeline.generator.torch_backend import TorchGenerator
from frame_generation_pipeline.spec import FEATHERED, WHISPER
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.sequence import TemplateFrame
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.layout import to_110


def mouth_psnr(folder: Path, checkpoint: Path) -> tuple[float | None, float | None]:
    """In dB over all frames of `folder/rest`: of what the generator paints, and of the resting mouth as it is."""
    sound, _ = soundfile.read(folder / "speech.wav", dtype="float32")
    values = extract_features([sound], builtin_encoder(WHISPER)).values
    generator, landmarker = TorchGenerator.load(checkpoint), FaceLandmarker(threads=1)
    painted, unchanged = [], []
    for path in sorted((folder / "rest").glob("*.png")):
        shown, spoken = cv2.imread(str(path)), cv2.imread(str(folder / "frames" / path.name))
        box = CropBox.from_landmarks(to_110(landmarker.faces(shown)[0].points).astype(np.int32))
        made = dub(generator, TemplateFrame(shown, box, None), feature_window(values, int(path.stem)), FEATHERED)
        mouth = Truth.of(spoken, box, landmarker).mouth
        for errors, image in ((painted, made), (unchanged, shown)):
            errors.append(squared_error(cut(image, mouth), cut(spoken, mouth)))
    return overall_psnr(painted).number, overall_psnr(unchanged).number
