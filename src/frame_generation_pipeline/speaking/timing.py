"""Options of which part of an audio file becomes frames, and at which rate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Which part of which audio track is said, where the template begins, and the rate of the video."""

    start: float = 0.0  # seconds into the audio
    end: float | None = None  # seconds into the audio; None: its end
    start_frame: int = 0  # how many frames later the template begins
    fps: float | None = None  # frames a second; frames are repeated or dropped for it. None: the rate of the features
    audio_track: int | None = None  # of a file with several, counted from 1; None: the default one, unless it is silent
