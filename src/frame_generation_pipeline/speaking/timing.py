"""Which audio of a file becomes frames, which part of it, and at which rate, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Which audio and which part of it is said, where the template is entered, and the rate of the video."""

    start: float = 0.0  # seconds into the audio
    end: float | None = None  # seconds into the audio; None for its end
    start_frame: int = 0  # how many frames later the template is entered
    fps: float | None = None  # frames a second of the video, which repeats or drops frames; None for the features' own
    audio_track: int | None = None  # of a file with several, counted from 1; None for the default one, unless silent
