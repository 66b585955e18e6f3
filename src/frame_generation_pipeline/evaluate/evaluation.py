"""Evaluate a generator on a held-out part of a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.audio.encoder import AudioProgram, builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import FeatureError, OptionError
from frame_generation_pipeline.evaluate.definitions import DEFINITIONS, DUBBING, OUTPUT, RECORDING, Value
from frame_generation_pipeline.evaluate.measurement import Measurement
from frame_generation_pipeline.evaluate.phones import Phone
from frame_generation_pipeline.evaluate.rendering import Choice
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.generator.protocol import Generator, choose_blend
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.level import frame_levels
from frame_generation_pipeline.spec import SAMPLE_RATE, WINDOW, AudioSpec
from frame_generation_pipeline.template.sequence import FrameSequence
from frame_generation_pipeline.tracking.lag import Curve
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker

FEWEST_FRAMES = 3  # held-out frames; most figures need more
SILENT_SECONDS = 2.0  # of frames that are rendered for digital silence


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The figures, curves and images of the held-out frames."""

    held_out: range
    seed: int
    values: Mapping[str, Mapping[str, Value]]  # by the figure's name, then by the subject, such as OUTPUT
    openings: Mapping[
        str, tuple[float | None, ...]
    ]  # by subject: the opening of the lips in each held-out frame, in face scales
    loudness: tuple[float | None, ...]  # of each held-out frame's audio, in dB of full scale
    missed: int  # the number of held-out frames in which no face is found in the recording
    strips: tuple[Frame, ...]  # recording, output, their difference and the baseline, side by side

    def number(self, name: str, subject: str = OUTPUT) -> float | None:
        """The value of a figure, or None if it has none."""
        return self.values[name][subject].number

    def to_json(self) -> dict[str, Any]:
        """A dictionary for strict JSON, without the images; a reason is given for each value of null."""
        shown = {}
        for name, values in self.values.items():
            definition = DEFINITIONS[name]
            shown[name] = {
                "title": definition.title,
                "unit": definition.unit,
                "better": definition.better,
                "definition": definition.text,
                "values": {subject: value.number for subject, value in values.items()},
                "reasons": {subject: value.reason for subject, value in values.items() if value.number is None},
            }
        return {
            "held_out": [self.held_out.start, self.held_out.stop],
            "seed": self.seed,
            "frames_without_face": self.missed,
            "figures": shown,
            "openings": dict(self.openings),
            "loudness": self.loudness,
        }


def evaluate(
    generator: Generator,
    template: FrameSequence,
    features: AudioFeatures,
    held_out: range,
    *,
    audio: Path | None = None,
    encoder: AudioProgram | None = None,
    cuts: tuple[int, ...] = (),
    blend: str | None = None,
    phones: Sequence[Phone] = (),
    seed: int = 0,
    strips: int = 8,
    progress: Update = lambda done, total, note="": None,
) -> Evaluation:
    """Measure `generator` on frames `held_out` of `template`; feature i belongs to frame i.

    audio: the template's, as long as its frames; without it, figures that need audio have no value.
    encoder: computes the features of digital silence; by default the built-in one, if there is one for this type.
    cuts: frames before which the recording was cut; no figure compares frames across a cut.
    blend: one of `spec.BLENDS`; by default the best that the generator has.
    phones: the phones of the speech with their times; without them, figures of closed lips are left out.
    seed: of random choices. strips: the number of `Evaluation.strips`.

    One frame is in memory at a time, and the landmarks of every held-out frame. The same arguments give the same
    figures.

    Raises FeatureError for features of another type than the generator's; OptionError if `held_out` has too few frames,
    leaves no other frames or does not exist; and the errors of reading frames and audio.
    """
    if features.spec != generator.spec.audio:
        raise FeatureError(f"these are {features.spec.name} features; the generator is for {generator.spec.audio.name}")
    train = training_part(min(len(template), len(features)), held_out, features.spec)
    loudness = _loudness(audio, features.spec, held_out)
    silence = _silence_windows(features.spec, encoder, min(len(held_out), round(SILENT_SECONDS * features.spec.fps)))
    total = 2 * len(held_out) + len(silence)
    measurement = Measurement(
        generator, template, features, held_out, cuts, FaceLandmarker(threads=1), choose_blend(generator, blend)
    )
    measurement.reconstruct(Choice.draw(train, len(held_out), seed), strips, lambda done: progress(done, total))
    measurement.dub(lambda done: progress(len(held_out) + done, total))
    quiet = measurement.on_silence(silence, lambda done: progress(2 * len(held_out) + done, total))
    return Evaluation(
        held_out,
        seed,
        measurement.values(loudness, quiet, phones),
        {name: _tuple(measurement.tracks[name]["opening"][measurement.rows]) for name in (RECORDING, OUTPUT, DUBBING)},
        _tuple(loudness),
        sum(truth.face is None for truth in measurement.truths),
        tuple(measurement.strips),
    )


def training_part(count: int, held_out: range, spec: AudioSpec) -> list[int]:
    """The frames of a recording of `count` frames whose windows of `spec` do not reach into `held_out`.

    Raises OptionError if there are none, or if `held_out` is too short or not within the recording.
    """
    if not (held_out.step == 1 and held_out.start >= 0 and held_out.stop <= count and len(held_out) >= FEWEST_FRAMES):
        raise OptionError(
            f"frames {held_out.start}:{held_out.stop} cannot be held out; choose {FEWEST_FRAMES} or more from 0:{count}"
        )
    train = [*range(held_out.start - spec.ahead - 1), *range(held_out.stop + spec.before, count)]
    if not train:
        raise OptionError(
            f"frames {held_out.start}:{held_out.stop} of {count} leave none for reference images; hold less out"
        )
    return train


def _loudness(audio: Path | None, spec: AudioSpec, held_out: range) -> Curve:
    """The level of each held-out frame's audio, NaN without audio."""
    if audio is None:
        return np.full(len(held_out), np.nan)
    blocks = decode_audio(audio, start=held_out.start / spec.fps, end=held_out.stop / spec.fps)
    levels = list(islice(frame_levels(blocks, spec.fps), len(held_out)))
    return np.array(levels + [np.nan] * (len(held_out) - len(levels)))


def _silence_windows(spec: AudioSpec, encoder: AudioProgram | None, count: int) -> list[Window]:
    """`count` windows of digital silence, far from its ends; none without an audio encoder."""
    encoder = encoder or builtin_encoder(spec)
    if encoder is None:
        return []
    if encoder.spec != spec:
        raise OptionError(f"the audio encoder gives {encoder.spec.name} features, the generator wants {spec.name}")
    samples = np.zeros((count + 2 * WINDOW) * SAMPLE_RATE // spec.fps, np.float32)
    values = extract_features([samples], encoder).values
    return [feature_window(values, WINDOW + i, spec) for i in range(count)]


def _tuple(curve: Curve) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in curve)
