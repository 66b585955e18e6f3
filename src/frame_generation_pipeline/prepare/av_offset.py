"""Measure and correct the offset of a recording's audio, by the person's lips and the presenter's for this audio."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.prepare.expected_openings import expected_openings
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.prepare.selection import Problem
from frame_generation_pipeline.spec import WHISPER
from frame_generation_pipeline.tracking.lag import Lag, measure_lag, without_slow_part
from frame_generation_pipeline.tracking.lips import lip_opening

logger = logging.getLogger(__name__)

MOST_OFFSET = 1000  # milliseconds; the largest offset that may be given
SURE_CONFIDENCE = (
    4.5  # confidence from which a lag is accepted; of 76 pairs of lips and other audio none had more than 2.7
)
SURE_CORRELATION = 0.25  # correlation from which a lag is accepted; the highest of those pairs was 0.23
SURE_WITHIN = 40.0  # milliseconds; largest half width of the interval of an accepted lag
WORTH = 20  # milliseconds, half a frame; smaller offsets are not corrected


@dataclass(frozen=True)
class AvOffset:
    """The delay of the audio after the lips, and its correction."""

    found: Lag | None  # None if too little is seen or said, or if the offset was given
    corrected: int  # milliseconds by which the audio is moved earlier; negative: later
    given: bool = False  # whether the caller gave the offset

    @property
    def sure(self) -> bool:
        """Whether the measured lag is reliable."""
        return self.found is not None and (
            self.found.confidence >= SURE_CONFIDENCE
            and self.found.correlation >= SURE_CORRELATION
            and self.found.high - self.found.low <= 2 * SURE_WITHIN
        )

    def __str__(self) -> str:
        """The offset and its correction, as half a sentence."""
        if self.given:
            return f"the audio is moved by {-self.corrected:+d} ms, as asked"
        if self.found is None or not self.sure:
            return "lips do not tell for sure how far audio and video are apart, so both stay as they are"
        lag = f"{self.found.milliseconds:+.0f} ms ({self.found.low:+.0f} to {self.found.high:+.0f})"
        done = "corrected" if self.corrected else "left as it is"
        return f"the audio comes {lag} after the lips, which is {done}"

    def to_json(self) -> dict[str, Any]:
        """A dictionary for strict JSON."""
        found = asdict(self.found) if self.found else None
        return {"found": found, "corrected": self.corrected, "says": str(self)}


def check_offset(recording: Recording, given: int | None) -> None:
    """Raise OptionError for an offset that is too large, or of a recording without audio."""
    if given is not None and not recording.seconds:
        raise OptionError(f"{recording.path}: has no audio that an offset could move; leave it out")
    if given is not None and abs(given) > MOST_OFFSET:
        raise OptionError(f"an offset of {given} ms; give one from {-MOST_OFFSET} to {MOST_OFFSET}")


def correct_offset(
    recording: Recording,
    observations: Sequence[Observation],
    problems: Sequence[Problem | None],
    fps: int,
    given: int | None = None,
) -> tuple[AvOffset, Recording, list[Problem | None]]:
    """Correct the offset; returns it, the recording with moved audio, and the problems with frames without audio added.

    observations: all frames at `fps` of the audio's clock. given: milliseconds by which the audio comes after the lips;
    by default the measured offset, if it is reliable and at least `WORTH`.
    """
    offset = (
        AvOffset(None, given, given=True) if given is not None else find_offset(recording, observations, problems, fps)
    )
    if not recording.seconds:
        return offset, recording, list(problems)
    settled = offset.given or (offset.sure and not offset.corrected)
    logger.log(logging.INFO if settled else logging.WARNING, "%s: %s", recording.path, offset)
    moved = replace(recording, late=offset.corrected)
    left = [
        problem if moved.has_audio(observation.number, fps) else Problem.NO_AUDIO
        for observation, problem in zip(observations, problems, strict=True)
    ]
    return offset, moved, left


def find_offset(
    recording: Recording, observations: Sequence[Observation], problems: Sequence[Problem | None], fps: int
) -> AvOffset:
    """Measure the offset of the recording's audio by the lips in frames without a problem."""
    if not (recording.seconds and observations):
        return AvOffset(None, 0)
    encoder = builtin_encoder(WHISPER)
    assert encoder is not None  # it is built in
    expected = expected_openings(extract_features(recording.audio(), encoder).values)
    seen = np.full(observations[-1].number + 1, np.nan)
    for observation, problem in zip(observations, problems, strict=True):
        if observation.face and problem is None:
            seen[observation.number] = lip_opening(observation.face.points)
    places = np.arange(len(seen)) * WHISPER.fps / fps  # of the frames, in features
    spoken = np.interp(places, np.arange(len(expected)), expected, left=np.nan, right=np.nan)
    offset = AvOffset(measure_lag(without_slow_part(spoken, fps), without_slow_part(seen, fps), fps), 0)
    if offset.found is None or not offset.sure or abs(offset.found.milliseconds) < WORTH:
        return offset
    return replace(offset, corrected=round(offset.found.milliseconds))
