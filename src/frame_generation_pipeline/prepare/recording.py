"""A recording as a run of frames at the features' rate, each with the sound of its time."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.decode import probe_audio
from frame_generation_pipeline.errors import AudioError, MissingFileError, VideoError
from frame_generation_pipeline.video.reader import read_timed_frames

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recording:
    """A video file that was looked at from end to end."""

    path: Path
    sound: float  # seconds of sound; 0 where there is none
    sound_start: float  # seconds on the clock of the frames' times; that of the first frame where there is no sound

    @classmethod
    def open(cls, path: str | Path) -> "Recording":
        """Check that there are pictures, and how long the sound is.

        Raises MissingFileError, VideoError for a file without pictures that can be decoded.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f"{path}: no such video; give a recording of a person who talks")
        first, _ = next(iter(read_timed_frames(path)))
        try:
            sound, start = probe_audio(path).duration, _sound_start(path)
        except AudioError as error:
            logger.warning("%s; the template is made without sound, which training needs", error)
            sound, start = 0.0, first
        return cls(path, sound, start)

    def frames(self, fps: int) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
        """Frames (H, W, 3) uint8 BGR at exactly `fps`, with their numbers: frame i is of the time i / fps of the sound.

        It is the recording's frame that is nearest in time, whatever the distances between those are; nothing adds up.
        Frames before the sound begins or after it ends are left out; numbers begin above 0 where the pictures begin later.
        Raises VideoError when the frames' sizes differ.
        """
        number: int | None = None
        held: tuple[float, npt.NDArray[np.uint8]] | None = None
        last = floor(self.sound * fps + 0.5) if self.sound else None
        for time, image in read_timed_frames(self.path):
            place = (time - self.sound_start) * fps  # in frames of the result
            if held is not None:
                if image.shape != held[1].shape:
                    raise VideoError(f"{self.path}: its pictures change their size; convert it to one size")
                middle = (held[0] + place) / 2
                number = max(0, round(held[0])) if number is None else number
                while number <= middle and (last is None or number < last):
                    yield number, held[1]
                    number += 1
            held = (place, image)
        if held is not None:
            number = max(0, round(held[0])) if number is None else number
            if number <= held[0] + 0.5 and (last is None or number < last):
                yield number, held[1]


def _sound_start(path: Path) -> float:
    """When the first audio packet is heard, in seconds on the clock of the file's time stamps."""
    with av.open(f"file:{path}", metadata_errors="ignore") as container:
        stream = container.streams.audio[0]
        if stream.start_time is None or stream.time_base is None:
            return 0.0
        return float(stream.start_time * stream.time_base)
