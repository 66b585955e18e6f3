"""Find where the mouth rests in a recording, and where it is open in silence."""

from itertools import groupby, islice, takewhile
from math import inf

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.level import SILENCE, frame_levels
from frame_generation_pipeline.spec import AudioSpec
from frame_generation_pipeline.template.landmarks import lip_opening, read_landmarks
from frame_generation_pipeline.template.prepared import AUDIO, features_name, recording_cuts
from frame_generation_pipeline.template.template import Template

CLOSED = 0.03  # in distances of the eyes' outer corners; lips with a smaller opening are closed
LOUD, QUIETER = 90, 20.0  # percentile of the levels of frames; dB
PAUSE = 5  # frames; 0.2 s, longer than a stop's silence within a word
SMILE = 2.0  # ratio of the opening in a pause to the usual one in speech, from which it is a smile
ALIKE = 0.7  # smallest ratio of two similar openings
SHORTEST = 10  # consecutive frames of closed lips, from which the mouth rests; 0.4 s, longer than within a word


def recorded_rest(template: Template, spec: AudioSpec) -> npt.NDArray[np.float32] | None:
    """The window (16, F) in the middle of the recording's longest run of silent frames with closed lips.

    Without such a run, or without audio (`aud.wav`), the longest run of closed lips is taken. None if the lips are
    never closed for long, or if the template has no features of type `spec` (`aud_<type>.npy`).
    Raises FeatureError, TemplateError, AudioError for damaged files.
    """
    path = template.folder / features_name(spec.name)
    if not path.is_file():
        return None
    features = AudioFeatures.load(path, spec)
    openings, cuts = lip_openings(template)[: len(features)], recording_cuts(template.folder)
    audio = template.folder / AUDIO
    index = None
    if audio.is_file():
        levels = frame_levels(decode_audio(audio), spec.fps)
        silent = [opening if level < SILENCE else inf for opening, level in zip(openings, levels, strict=False)]
        index = rest_frame(silent, spec, tuple(cut for cut in cuts if cut < len(silent)))
    if index is None:
        index = rest_frame(openings, spec, cuts)
    return None if index is None else feature_window(features.values, index, spec)


def parted_in_silence(template: Template, spec: AudioSpec) -> list[int]:
    """The frames without speech in which the lips are apart: laughter, a smile, a breath.

    A frame is silent if it is below `SILENCE` and by `QUIETER` below the recording's loud frames, for at least `PAUSE`
    frames. A smile often begins before a pause and lasts longer, so neighbouring frames with as open lips belong to it.
    Empty without `aud.wav`. Raises TemplateError, AudioError for damaged files.
    """
    audio = template.folder / AUDIO
    if not audio.is_file():
        return []
    levels = np.array(list(islice(frame_levels(decode_audio(audio), spec.fps), len(template))))
    silent = levels < min(SILENCE, np.percentile(levels, LOUD) - QUIETER)
    runs = [(silence, len(list(frames))) for silence, frames in groupby(silent)]
    paused = np.concatenate([np.full(length, silence and length >= PAUSE) for silence, length in runs])
    openings = np.array(lip_openings(template)[: len(levels)])
    parted = paused & (openings >= CLOSED)
    smile = SMILE * np.median(openings[~paused])
    edges = np.flatnonzero(np.diff(parted, prepend=False, append=False)).tolist()
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        opening = np.median(openings[first:stop])
        if opening >= smile:
            alike = (openings >= ALIKE * opening) & (openings <= opening / ALIKE)
            before = len(list(takewhile(bool, alike[:first][::-1])))
            after = len(list(takewhile(bool, alike[stop:])))
            parted[first - before : stop + after] = True
    return [int(frame) for frame in np.flatnonzero(parted)]


def lip_openings(template: Template) -> list[float]:
    """The opening of the lips in each frame, see `lip_opening`."""
    return [lip_opening(read_landmarks(template.landmark_file(index))) for index in range(len(template))]


def rest_frame(openings: list[float], spec: AudioSpec, cuts: tuple[int, ...] = ()) -> int | None:
    """The middle of the longest run of frames with closed lips, or None if none is long enough.

    openings: see `lip_opening`. cuts: frames before which the recording was cut. Frames whose window of `spec` would
    reach beyond the recording or a cut do not count.
    """
    best, length = None, SHORTEST - 1
    for first, stop in zip((0, *cuts), (*cuts, len(openings)), strict=True):
        run = 0
        for index in range(first + spec.before, stop - spec.ahead):
            run = run + 1 if openings[index] < CLOSED else 0
            if run > length:
                best, length = index - run // 2, run
    return best
