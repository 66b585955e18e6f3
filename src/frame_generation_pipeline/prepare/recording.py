"""Read a recording as frames at the features' rate, with the audio of the same time."""

import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import ceil, floor, inf
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame, Samples
from frame_generation_pipeline.errors import AudioError, MissingFileError, VideoError
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.audio_track import audio_stream
from frame_generation_pipeline.media.containers import open_media
from frame_generation_pipeline.media.downmix import SUM, Downmix
from frame_generation_pipeline.media.video_reader import read_timed_frames
from frame_generation_pipeline.prepare.audio_alignment import AS_IT_IS, Alignment, align_audio
from frame_generation_pipeline.spec import SAMPLE_RATE

logger = logging.getLogger(__name__)

LONGEST_HELD = 0.4  # seconds; an image that is shown longer means missing images
LONGEST_FRAME = 60  # seconds; an image that is shown longer means damaged times


@dataclass(frozen=True)
class Recording:
    """A video file that was checked from end to end."""

    path: Path
    audio_path: Path  # the file with the audio: the video or another one
    track: int | None  # number of its audio track, see `decode_audio`
    seconds: float  # seconds of audio; 0 without audio
    audio_start: float  # seconds on the clock of the frames' times; that of the first frame where there is no audio
    downmix: Downmix = SUM  # how the channels of all of its audio become one
    alignment: Alignment = AS_IT_IS  # of audio of another file to the video's own
    late: int = 0  # milliseconds by which the audio comes after the lips; `audio` moves it earlier

    @classmethod
    def open(cls, path: str | Path, audio: str | Path | None = None, track: int | None = None) -> "Recording":
        """Check that there are images, and how long the audio is.

        audio: a file whose audio takes the place of the video's. Where the video has audio too, it is laid on that as
        `align_audio` says; where it has none, both begin together. track: of the file that has the audio.
        Raises MissingFileError, VideoError for a file without images that can be decoded, and AudioError for `audio`
        that cannot be decoded or is of another recording; OptionError for a track that does not exist.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f"{path}: no such video; give a recording of a person who talks")
        first, _ = next(iter(read_timed_frames(path)))
        source = Path(audio) if audio is not None else path
        given = probe_audio(source, track) if audio is not None else None
        try:
            own = probe_audio(path, track if given is None else None)
            start = _audio_start(path, track if given is None else None)
        except AudioError as error:
            if given is None:
                logger.warning(
                    "%s; the template is made without audio, which training needs (--audio takes it from a file)", error
                )
                return cls(path, source, track, 0.0, first)
            return cls(path, source, track, given.duration, first, given.downmix)
        if given is not None:
            found = align_audio(path, source, track)
            seconds = given.duration * found.stretch
            return cls(path, source, track, seconds, start + found.offset, given.downmix, found)
        return cls(path, path, track, own.duration, start, own.downmix)

    def expected(self, fps: int) -> int:
        """The approximate number of frames at `fps`, by the length of the audio or the stated one of the file."""
        if self.seconds:
            return round(self.seconds * fps)
        with open_media(self.path) as container:
            return round((container.duration or 0) / av.time_base * fps)

    def audio(self) -> Iterator[Samples]:
        """The audio, (k,) float32 at 16 kHz, from `audio_start` on and at the video's clock; see `decode_audio`.

        Where it is `late`, so much of its beginning is left out; where it is early, silence comes before it.
        """
        blocks = self.alignment.apply(decode_audio(self.audio_path, downmix=self.downmix, track=self.track))
        return _moved(blocks, self.late * SAMPLE_RATE // 1000)

    def has_audio(self, number: int, fps: int) -> bool:
        """Whether there is audio for at least half of a frame of `frames`."""
        place = number + self.late * fps / 1000
        return -0.5 <= place < floor(self.seconds * fps + 0.5)

    def frames(self, fps: int) -> Generator[tuple[int, npt.NDArray[np.uint8]], None, None]:
        """Frames (H, W, 3) uint8 BGR at exactly `fps`, with their numbers: frame i is of the time i / fps of the audio.

        It is the recording's frame that is nearest in time, whatever the distances between those are; nothing adds up.
        Where images are missing for longer than `LONGEST_HELD`, numbers are left out, and a warning in the log tells.
        Frames before the audio begins or after it ends are left out; numbers begin above 0 where images begin later.
        Images of other sizes are brought to the first one's, black where they have another shape; a warning tells.
        Raises VideoError where there are no images for longer than a minute.
        """
        resized = False
        number: int | None = None
        place, step = 0.0, 1.0  # of the frame that is held and from it to the next, in frames of the result
        usual, missing = 1.0, 0.0  # the last step between two images that none is missing between; frames that are
        held: npt.NDArray[np.uint8] | None = None
        end = floor(self.seconds * fps + 0.5) if self.seconds else inf
        for time, image in chain(read_timed_frames(self.path), [(None, None)]):
            if held is not None:
                if time is not None:
                    step = (time - self.audio_start) * fps - place
                    if step > LONGEST_FRAME * fps:
                        raise VideoError(f"{self.path}: has no images for {step / fps:.0f} s; cut it there")
                number = max(0, round(place)) if number is None else number
                usual = step if time is not None and step <= LONGEST_HELD * fps else usual
                while number <= place + usual / 2 and number < end:  # the last frame lasts as long as the one before it
                    yield number, held
                    number += 1
                if time is not None and step > LONGEST_HELD * fps:
                    number, before = max(number, ceil(place + step - usual / 2)), number
                    missing += number - before
            if time is not None and image is not None:
                if held is not None and image.shape != held.shape:
                    image, resized = self._resized(image, held, warned=resized), True
                place, held = (time - self.audio_start) * fps, image
        if missing:
            logger.warning("%s: has no images for %.1f s in all, which are left out", self.path, missing / fps)

    def _resized(self, image: Frame, first: Frame, *, warned: bool) -> Frame:
        """Resize the image to the size of the first one."""
        (height, width), (own_height, own_width) = first.shape[:2], image.shape[:2]
        if not warned:
            logger.warning(
                "%s: its images change their size, from %dx%d to %dx%d; all are brought to the first one's",
                self.path,
                *(width, height, own_width, own_height),
            )
        scale = min(width / own_width, height / own_height)
        size = (max(1, round(own_width * scale)), max(1, round(own_height * scale)))
        scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        right, bottom = width - size[0] - left, height - size[1] - top
        return np.asarray(cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_CONSTANT), np.uint8)


def _moved(blocks: Iterable[Samples], samples: int) -> Iterator[Samples]:
    """Yield the blocks without their first `samples`, or, if that is negative, with zeros before them."""
    if samples < 0:
        yield np.zeros(-samples, np.float32)
    left = max(samples, 0)
    for block in blocks:
        if left < len(block):
            yield block[left:]
        left = max(left - len(block), 0)


def _audio_start(path: Path, track: int | None) -> float:
    """The time of the audio track's first packet, in seconds on the clock of the file's time stamps."""
    with open_media(path) as container:
        stream = audio_stream(container, path, track)
        if stream is None or stream.start_time is None or stream.time_base is None:
            return 0.0
        return float(stream.start_time * stream.time_base)
