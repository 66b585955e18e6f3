"""A recording of a face that speaks: an image of the scikit-image library whose lips are drawn apart."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage.data import astronaut

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.generator.protocol import NetworkGenerator
from frame_generation_pipeline.spec import AVE, FACE_160, GeneratorSpec
from frame_generation_pipeline.template.template import Template
from samples import write_wav

FRAMES = 80
HELD_OUT = range(50, 80)
LIP_LINE, GAP = 142, 6  # rows of the image: the upper lip's edge, and how far the lips are apart from the first


def opening(index: int) -> float:
    """By how many rows more the lips are apart in a frame."""
    return float(max(0.0, 5 * (np.sin(index / 2.1) + 0.7 * np.sin(index / 0.9 + 1)) + 4))


def portrait(index: int) -> Frame:
    """(256, 256, 3) uint8 BGR: the mouth opens and the head moves a little."""
    face = np.ascontiguousarray(astronaut()[:256, 100:356, ::-1])
    rows = np.arange(256, dtype=np.float32)
    wide = GAP + opening(index)
    source = np.where(
        rows < LIP_LINE,
        rows,
        np.where(rows < LIP_LINE + wide, LIP_LINE + (rows - LIP_LINE) * GAP / wide, rows - opening(index)),
    ).astype(np.float32)
    shift = np.float32(2 * np.sin(index / 9))
    columns = np.arange(256, dtype=np.float32) - shift
    across, down = np.meshgrid(columns, source)
    return np.asarray(cv2.remap(face, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def write_recording(folder: Path) -> Path:
    """A template with features that are the numbers of their frames, and audio that swells."""
    for part in ("full_body_img", "landmarks"):
        (folder / part).mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / "full_body_img" / f"{index}.png"), portrait(index), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        points = np.full((110, 2), 120)
        points[1], points[31], points[52] = (72, 104), (178, 108), (124, 98)
        (folder / "landmarks" / f"{index}.lms").write_text("\n".join(f"{x} {y}" for x, y in points))
    np.save(folder / "aud_ave.npy", np.repeat(np.arange(FRAMES, dtype=np.float32)[:, None], 512, axis=1))
    write_wav(folder / "aud.wav", FRAMES / 25)
    return folder


class Oracle(NetworkGenerator):
    """Knows the recording: paints the face of the frame whose number it hears, `late` frames later."""

    def __init__(self, folder: Path, late: int = 0) -> None:
        super().__init__(GeneratorSpec(FACE_160, AVE))
        self.template, self.late = Template.open(folder), late
        self.seen: list[npt.NDArray[np.float32]] = []  # what it was shown
        self.indices: list[int] = []

    def encode_image(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.seen.append(image)
        return image

    def run(self, encoded: object, audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        index = int(audio.reshape(16, 512)[AVE.before, 0])
        self.indices.append(index)
        frame = self.template.read(max(index - self.late, 0))
        face = network_input(resize_crop(frame.box.cut(frame.image), FACE_160), FACE_160)[:, :3]
        return face + np.float32(0.5 / 255)  # what is painted is truncated


def features_of(folder: Path) -> AudioFeatures:
    """The recording's features."""
    features = AudioFeatures.load(folder / "aud_ave.npy", AVE)
    assert feature_window(features.values, 60, AVE)[AVE.before, 0] == 60
    return features
