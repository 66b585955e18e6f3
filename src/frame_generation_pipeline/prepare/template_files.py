"""Write a template's folder: its frames and landmarks, and the audio of exactly these frames with its features."""

import shutil
import tempfile
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.files.output import complete_file, temporary_beside
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.prepare.selection import Range
from frame_generation_pipeline.spec import SAMPLE_RATE
from frame_generation_pipeline.template.prepared import AUDIO, features_name
from frame_generation_pipeline.template.template import FRAMES, LANDMARKS, landmark_file


def write_frames(folder: Path, observed: Path, observations: Sequence[Observation], ranges: Sequence[Range]) -> None:
    """Write frames and landmarks, numbered from 0 over all ranges.

    observed: the folder of the recording's own numbered frames.
    """
    for name in (FRAMES, LANDMARKS):
        (folder / name).mkdir(exist_ok=True)
    number = 0
    for part in ranges:
        for offset, points in enumerate(part.landmarks):
            image = observed / f"{observations[part.first + offset].number}.jpg"
            frame = folder / FRAMES / f"{number}.jpg"
            if not frame.exists():
                _link(image, frame)
            lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in points)
            landmark_file(folder, number).write_text(lines)
            number += 1


def write_audio(
    folder: Path,
    recording: Recording,
    observations: Sequence[Observation],
    ranges: Sequence[Range],
    program: AudioProgram,
) -> None:
    """Write the audio of the ranges and its features, which are computed from the whole audio."""
    each = SAMPLE_RATE // program.spec.fps  # samples
    spans = [(observations[part.first].number, len(part)) for part in ranges]
    with (folder / AUDIO).open("wb") as file, wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(SAMPLE_RATE)
        for samples in _cut(recording.audio(), [(start * each, count * each) for start, count in spans]):
            scaled = np.clip(np.rint(samples * 32767), -32768, 32767)
            audio.writeframes(scaled.astype("<i2").tobytes())
    features = extract_features(recording.audio(), program)
    rows = np.concatenate([np.arange(start, start + count) for start, count in spans])
    values = np.zeros((len(rows), *program.spec.feature_shape), np.float32)
    known = rows < len(features)
    values[known] = features.values[rows[known]]
    AudioFeatures(values, program.spec).save(folder / features_name(program.spec.name))


def has_links(folder: Path) -> bool:
    """Whether the folder's file system has hard links, with which frames are not stored twice."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        other = temporary_beside(Path(file.name))
        try:
            other.hardlink_to(file.name)
        except OSError:
            return False
        other.unlink()
    return True


def _link(image: Path, frame: Path) -> None:
    """Link an image to a second name, or copy it without hard links, as on exFAT and in network folders."""
    try:
        frame.hardlink_to(image)
    except OSError:
        with complete_file(frame) as temporary:
            shutil.copyfile(image, temporary)


def _cut(
    blocks: Iterator[npt.NDArray[np.float32]], spans: Sequence[tuple[int, int]]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the samples of spans (first, count), which are in order; zeros after the end of the audio."""
    position, held = 0, np.empty(0, np.float32)  # where what is held begins
    for first, count in spans:
        while count:
            while position + len(held) <= first:
                position += len(held)
                held = next(blocks, np.zeros(first + count - position, np.float32))
            part = held[first - position :][:count]
            first, count = first + len(part), count - len(part)
            yield part
