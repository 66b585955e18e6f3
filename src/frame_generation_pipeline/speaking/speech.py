"""Plan a speech before any work starts: check audio and features, and settle the window of each frame."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.audio.features import FeatureWindows
from frame_generation_pipeline.audio.gate import rest_shares, rested
from frame_generation_pipeline.audio.stream import stream_windows
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.audio_reader import decode_audio, probe_audio
from frame_generation_pipeline.media.downmix import Downmix
from frame_generation_pipeline.speaking.audio_front_end import AudioFrontEnd, frame_count
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import AudioSpec

logger = logging.getLogger(__name__)

RUN_UP = 2  # seconds; at least so much is computed before a cut, so that its windows equal those of the whole
BLOCKS_MEET = 2  # seconds that are a whole number of blocks of features for every type
NOTICEABLE = 0.5  # seconds by which the lengths of features and audio may differ without a warning

Windows = Iterator[Window]


@dataclass(frozen=True)
class Speech:
    """The windows of `count` frames, and the audio that belongs to them."""

    count: int
    spec: AudioSpec
    windows: Callable[..., Windows]  # (skip=0) -> (16, F) float32 for each frame from frame `skip` on
    audio_path: Path | None
    features_path: Path | None
    timing: Timing
    downmix: Downmix | None = None  # of the audio; None without audio
    rests: Sequence[float] = ()  # share of rest of each frame; empty if the mouth never rests

    @property
    def fps(self) -> float:
        """Frames a second of the video."""
        return self.spec.fps if self.timing.fps is None else self.timing.fps


def plan_speech(
    front_end: AudioFrontEnd,
    *,
    features_path: str | Path | None = None,
    audio_path: str | Path | None = None,
    timing: Timing = Timing(),
) -> Speech:
    """Check features and audio completely and settle the number of frames.

    Features, or windows, without audio give one frame each. With audio, the video is as long as the longer of the
    two, to within half a frame. `timing.start` and `timing.end` cut both.

    The front end's gate finds in the audio where nobody speaks; there, windows are replaced by the window of a mouth at
    rest. Without a gate, a rest or audio they are not. A warning says so if nobody speaks at all.

    Raises MissingFileError, AudioError, FeatureError; OptionError if there is nothing to compute windows from or the
    cut is empty.
    """
    spec, encoder, downmix, track = front_end.spec, front_end.program, front_end.downmix, timing.audio_track
    if features_path is None and audio_path is None:
        raise OptionError("nothing to say; give audio, audio features or both")
    features = FeatureWindows.load(features_path, spec) if features_path is not None else None
    audio = Path(audio_path) if audio_path is not None else None
    duration = 0.0
    if audio is not None:
        probed = probe_audio(audio, track)
        duration, downmix = probed.duration, downmix or probed.downmix
    lasts = duration if features is None else max(duration, len(features) / spec.fps)
    start, end = timing.start, lasts if timing.end is None else min(timing.end, lasts)
    if not 0 <= start < end:
        raise OptionError(f"the cut from {start:g} s to {end:g} s is empty; the input lasts {lasts:.2f} s")
    first = round(start * spec.fps)
    count = frame_count(end - start, spec)
    part = start > 0 or end < lasts

    shares: list[float] = []  # of frames first, first + 1, ...
    gate, rest = front_end.gate, front_end.rest if audio is not None and front_end.gate is not None else None
    if audio is not None and gate is not None and rest is not None:
        # The gate always starts at the beginning of the audio, so that a cut rests where the whole does.
        resting = rest_shares(decode_audio(audio, downmix=downmix, track=track), gate, spec)
        shares = list(islice(resting, first, first + count))
        if min(shares) == 1:
            logger.warning("%s: no speech heard%s, so the mouth rests", audio, " in this part" if part else "")

    origin = (audio, None if features_path is None else Path(features_path), timing, downmix, shares)

    def gated(windows: Windows, skip: int) -> Windows:
        if not shares or rest is None:
            return windows
        return (rested(window, rest, share) for window, share in zip(windows, shares[skip:], strict=False))

    if features is not None:
        if audio is not None and abs(duration - len(features) / spec.fps) > NOTICEABLE:
            logger.warning(
                "%s covers %.2f s but %s lasts %.2f s: do they belong together? The shorter one is filled with silence",
                features_path,
                len(features) / spec.fps,
                audio,
                duration,
            )
        return Speech(count, spec, lambda skip=0: gated(features.windows(count - skip, first + skip), skip), *origin)
    assert audio is not None  # one of the two was given
    if encoder is None:
        raise OptionError(f"{audio}: its features are needed; give an audio encoder (.pth or .onnx) or a feature file")
    if encoder.spec != spec:
        raise OptionError(f"the audio encoder gives {encoder.spec.name} features, the generator wants {spec.name}")
    skipped = max(0, int(start - RUN_UP) // BLOCKS_MEET * BLOCKS_MEET)

    def windows(skip: int = 0) -> Windows:
        # Decoding always starts at the same place, because a resampler's last bits depend on its start.
        blocks = decode_audio(audio, start=skipped, downmix=downmix, track=track)
        before = first - skipped * spec.fps
        return gated(stream_windows(blocks, encoder, before + count, before + skip), skip)

    return Speech(count, spec, windows, *origin)
