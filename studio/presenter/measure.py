"""How well an avatar says, in use, speech whose truth is known."""

from itertools import chain, groupby, islice
from pathlib import Path

import numpy as np
import soundfile

from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.evaluate.figures import (
    closed_below,
    cut,
    lag,
    opening_correlation,
    overall_psnr,
    squared_error,
)
from frame_generation_pipeline.evaluate.phones import BILABIAL, SILENCE
from frame_generation_pipeline.evaluate.rendering import dub
from frame_generation_pipeline.evaluate.track import GroundTruth
from frame_generation_pipeline.making.encoder import open_encoder
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.spec import FEATHERED
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.sequence import TemplateFrame
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.layout import to_110
from frame_generation_pipeline.tracking.openings import track_openings
from studio.presenter.encoded_speech import features
from studio.presenter.speech import AUDIO
from studio.presenter.window import read_frame

MOST_FRAMES = 1000  # of a speech that are measured
TOUCHING = 0.0005  # m between rendered lips that count as closed
PAUSE_EDGE = 5  # frames of a pause at either end in which the mouth may still move


def in_use(folder: Path, avatar: Avatar) -> dict[str, float | None]:
    """The lips of an avatar that says `folder/speech.wav`, against the truth that `speech` wrote beside it.

    Openings are tracked in what the avatar makes, and known of the truth; closed is what its recording's lips are.
    """
    truth = np.load(folder / "truth.npz")
    images = chain((avatar.template.read(i).image for i in range(0, 250, 10)), avatar.frames(folder / AUDIO))
    tracked = np.array(list(track_openings(islice(images, 25 + MOST_FRAMES))))
    below, opening = closed_below(tracked[:25]), tracked[25:]
    expected = truth["opening"][: len(opening)].astype(np.float64) / 0.09  # about face scales, for correlations alone
    phones = truth["phones"][: len(opening)]
    lips, begin = [], 0
    for name, run in groupby(phones):
        end = begin + len(list(run))
        if name in BILABIAL and (expected[begin:end] < TOUCHING / 0.09).any():
            lips.append((opening[begin : end + 1] < below).any())
        begin = end
    pause = np.convolve(phones == SILENCE, np.ones(2 * PAUSE_EDGE + 1), "same") > 2 * PAUSE_EDGE
    return {
        "frames": len(opening),
        "correlation": opening_correlation(opening, expected).number,
        "lag, ms": lag(opening, expected, 25).number,
        "p, b, m": len(lips),
        "of them closed, %": 100 * float(np.mean(lips)),
        "closed in pauses, %": 100 * float((opening[pause] < below).mean()) if pause.any() else None,
    }


def mouth_psnr(folder: Path, checkpoint: Path) -> tuple[float | None, float | None]:
    """In dB over all frames of `folder/rest`: of what the generator paints, and of the resting mouth as it is.

    The truth are the same frames, drawn with the mouth that speaks; `speech --rest` writes both.
    """
    audio, _ = soundfile.read(folder / AUDIO, dtype="float32")
    generator, landmarker = TorchGenerator.load(checkpoint), FaceLandmarker(threads=1)
    values = features(audio, open_encoder(None, generator.spec.audio.name))
    generated: list[float] = []
    unchanged: list[float] = []
    for path in sorted((folder / "rest").glob("*.png")):
        shown, spoken = read_frame(path), read_frame(folder / "frames" / path.name)
        box = CropBox.from_landmarks(to_110(landmarker.faces(shown)[0].points).astype(np.int32))
        output = dub(
            generator,
            TemplateFrame(shown, box, None),
            feature_window(values, int(path.stem), generator.spec.audio),
            FEATHERED,
        )
        mouth = GroundTruth.of(spoken, box, landmarker).mouth
        if mouth is None:
            raise ValueError(f"{folder / 'frames' / path.name}: a face with a mouth was expected")
        for errors, image in ((generated, output), (unchanged, shown)):
            errors.append(squared_error(cut(image, mouth), cut(spoken, mouth)))
    return overall_psnr(generated).number, overall_psnr(unchanged).number
