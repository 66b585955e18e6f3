"""Draw images that explain a result: the network's input and output, the frame, and how the lips follow the audio."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.evaluate.compare import captioned
from frame_generation_pipeline.evaluate.track import GroundTruth
from frame_generation_pipeline.face.crop import mask_face, resize_crop
from frame_generation_pipeline.files.output import prepare_folder
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.video_reader import write_image
from frame_generation_pipeline.report.lip_chart import draw_lip_chart
from frame_generation_pipeline.speaking.speech import Speech
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import REFERENCE, SAMPLE_RATE, FaceSpec
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.sequence import TemplateFrame
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.lips import lip_opening

FRAME, FACES, LIPS = "frame.png", "faces.png", "lips.png"
LONGEST = 10.0  # seconds of speech whose lips are drawn, when nobody says how many
SIDE = 400  # pixels of a face
GAIN = 4  # of the differences shown
BOX, INNER, MASKED = (90, 220, 90), (60, 200, 255), (70, 70, 230)  # BGR


@dataclass(frozen=True)
class _FrameStages:
    """A template frame on its way to a frame of the result."""

    number: int  # of the result's frame
    frame: TemplateFrame
    reference_patch: Frame  # the crop as the original would write it back
    patch: Frame  # the crop as it is written back


def inspect_speech(
    avatar: Avatar,
    output: str | Path,
    *,
    audio_path: str | Path | None = None,
    audio_features_path: str | Path | None = None,
    timing: Timing = Timing(),
    frame: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw into the folder `output`, for the avatar that says the speech, and return the images' paths.

    `frame.png`: the template frame with the face's box, the edge of the pasted part, and the mask.
    `faces.png`: that face as it is, the network's input and output, the patch, and the difference that it makes.
    `lips.png`: the audio, the parts that the gate takes for silence, and below it the lips' opening, of the result and
    of the recording's own frames.

    timing: the part of the audio, 10 s where no end is given. frame: the one that is drawn, counted from
    the part's beginning; by default the one whose lips are widest open.

    Raises the errors of `Avatar.frames`, OptionError for a frame that is not in that part, OutputError.
    """
    folder = Path(output)
    timing = replace(timing, end=timing.start + LONGEST if timing.end is None else timing.end)
    speech = avatar.plan(audio_features_path, audio_path, timing)
    frames = avatar.frames(audio_path, audio_features_path=audio_features_path, timing=timing)
    if frame is not None and not 0 <= frame < speech.count:
        raise OptionError(f"frame {frame} is not in this part of the speech, which has frames 0 to {speech.count - 1}")
    prepare_folder(folder)
    landmarker = FaceLandmarker(threads=1)
    own, shown = np.full(speech.count, np.nan), np.full(speech.count, np.nan)
    for i, image in enumerate(frames):
        template = avatar.template.read(avatar.template.shown(i, loop=avatar.style.loop).index)
        own[i], shown[i] = _openings(template, image, landmarker)
        if progress:
            progress(i + 1, speech.count)
    if frame is None:
        frame = int(np.nanargmax(shown)) if np.isfinite(shown).any() else 0
    stages = _render(avatar, frame, next(islice(speech.windows(), frame, None)))
    sheets = {
        FRAME: _on_the_frame(stages, avatar.generator.spec.face),
        FACES: _faces(stages, avatar),
        LIPS: draw_lip_chart(*_audio(speech), {"result": shown, "recording": own}, speech.spec.fps, mark=frame),
    }
    for name, sheet in sheets.items():
        write_image(folder / name, sheet)
    return [folder / name for name in sheets]


def _render(avatar: Avatar, number: int, window: Window) -> _FrameStages:
    frame = avatar.template.read(avatar.template.shown(number, loop=avatar.style.loop).index)
    crop = np.ascontiguousarray(frame.box.cut(frame.image))
    state = avatar.generator.encode_face(crop)
    reference_patch, patch = (
        avatar.generator.render(state, window, crop, frame.keep, blend) for blend in (REFERENCE, avatar.blend)
    )
    return _FrameStages(number, frame, reference_patch, patch)


def _openings(frame: TemplateFrame, image: Frame, landmarker: FaceLandmarker) -> tuple[float, float]:
    """The lips' opening in a template frame and in what was made of it; NaN where no face is found."""
    truth = GroundTruth.of(frame.image, frame.box, landmarker)
    rendered_face = landmarker.follow(image, truth.region) if truth.region else None
    before, after = (lip_opening(face.points) if face else float("nan") for face in (truth.face, rendered_face))
    return before, after


def _audio(speech: Speech) -> tuple[npt.NDArray[np.float32], Sequence[float]]:
    """The samples of a part at 16 kHz, and each frame's share of rest; both empty without audio."""
    if speech.audio_path is None:
        return np.empty(0, np.float32), []
    timing, seconds = speech.timing, speech.count / speech.spec.fps
    blocks = decode_audio(speech.audio_path, start=timing.start, downmix=speech.downmix, track=timing.audio_track)
    return np.concatenate(list(blocks))[: round(seconds * SAMPLE_RATE)], speech.rests


def _on_the_frame(stages: _FrameStages, face: FaceSpec) -> Frame:
    image, box = stages.frame.image.copy(), stages.frame.box
    scale = box.size / face.crop_size
    x, y, width, height = face.mask
    left, top = (round((face.margin + value) * scale) for value in (x, y))
    crop = box.cut(image).copy()
    masked = crop[top : top + round(height * scale), left : left + round(width * scale)]
    masked[:] = cv2.addWeighted(masked, 0.75, np.full_like(masked, MASKED), 0.25, 0)
    box.paste(image, crop)
    line = max(1, round(box.size / 200))
    margin = round(face.margin * scale)
    _outline(image, box, BOX, line)
    _outline(image, CropBox(box.x + margin, box.y + margin, box.size - 2 * margin), INNER, line)
    caption = f"frame {stages.number}: face's box (green), painted edge (yellow), hidden from the network (red)"
    return captioned(image, caption)


def _outline(image: Frame, box: CropBox, colour: tuple[int, int, int], line: int) -> None:
    cv2.rectangle(image, (box.x, box.y), (box.x + box.size - 1, box.y + box.size - 1), colour, line)


def _faces(stages: _FrameStages, avatar: Avatar) -> Frame:
    face = avatar.generator.spec.face
    crop = np.ascontiguousarray(stages.frame.box.cut(stages.frame.image))
    inside = slice(face.margin, -face.margin)
    seen, output = (resize_crop(image, face)[inside, inside] for image in (crop, stages.reference_patch))
    difference = np.asarray(cv2.convertScaleAbs(cv2.absdiff(crop, stages.patch), alpha=GAIN), np.uint8)
    images = {
        "recording": crop,
        "network input": seen,
        "network input, masked": mask_face(seen, face),
        "network output": output,
        f"written back, {avatar.blend}": stages.patch,
        f"difference x {GAIN}": difference,
    }
    return np.hstack([captioned(_at_side(image), text) for text, image in images.items()])


def _at_side(image: npt.NDArray[np.uint8]) -> Frame:
    grows = len(image) < SIDE
    return np.asarray(
        cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA), np.uint8
    )
