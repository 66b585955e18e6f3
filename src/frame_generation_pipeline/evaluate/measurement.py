"""Measure a generator on the held-out part of a recording."""

from collections.abc import Callable, Sequence
from math import ceil, floor

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.evaluate import figures
from frame_generation_pipeline.evaluate.compare import captioned
from frame_generation_pipeline.evaluate.definitions import (
    DEFINITIONS,
    DUBBING,
    OUTPUT,
    RANDOM,
    RECORDING,
    TEMPLATE,
    UNCHANGED,
    Value,
)
from frame_generation_pipeline.evaluate.phones import BILABIAL, SILENCE, Phone
from frame_generation_pipeline.evaluate.rendering import Choice, dub, reconstruct, with_face, with_mouth
from frame_generation_pipeline.evaluate.track import GroundTruth, Track
from frame_generation_pipeline.generator.protocol import Generator, NetworkGenerator
from frame_generation_pipeline.template.sequence import FrameSequence, TemplateFrame
from frame_generation_pipeline.tracking.lag import Curve
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker

STRIP_SIDE = 240  # pixels; side of a face in a strip
PAUSE_EDGE = 0.2  # seconds at both ends of a pause, in which lips may still move
STRIP_GAIN = 4  # factor of the differences in a strip

CROP_ONLY = "the programs of a package take one crop of a face; reconstruction needs a checkpoint or one ONNX graph"
NO_FACE = "no frame shows a face"

Done = Callable[[int], None]  # takes the number of frames done


class Measurement:
    """Measures a generator on a recording; holds the values measured so far."""

    def __init__(
        self,
        generator: Generator,
        template: FrameSequence,
        features: AudioFeatures,
        held_out: range,
        cuts: tuple[int, ...],
        landmarker: FaceLandmarker,
        blend: str,
    ) -> None:
        self.generator, self.template, self.features, self.held_out = generator, template, features, held_out
        self.landmarker, self.blend = landmarker, blend
        # Each frame's row in time; a cut leaves a gap longer than any lag.
        before = [sum(held_out.start < cut <= index for cut in cuts) for index in held_out]
        self.rows = np.arange(len(held_out)) + (2 * figures.MOST_LAG + 1) * np.array(before)
        self.truths: list[GroundTruth] = []
        self.strips: list[Frame] = []
        self.tracks = {name: self._track() for name in (OUTPUT, TEMPLATE, RANDOM, RECORDING, DUBBING, UNCHANGED)}

    def reconstruct(self, choice: Choice, strips: int, done: Done) -> None:
        """Measure the recording, the baselines and, with a generator that allows it, the reconstruction."""
        shown = set(np.linspace(0, len(self.held_out) - 1, strips).round().astype(int).tolist())
        for i, index in enumerate(self.held_out):
            frame = self.template.read(index)
            truth = GroundTruth.of(frame.image, frame.box, self.landmarker)
            self.truths.append(truth)
            reference, other = (self.template.read(picked[i]) for picked in (choice.references, choice.mouths))
            images = {RECORDING: frame.image, TEMPLATE: with_face(frame, reference, self.generator.spec.face)}
            if isinstance(self.generator, NetworkGenerator):
                images[OUTPUT] = reconstruct(self.generator, frame, reference, self._window(index), self.blend)
            mouth = GroundTruth.of(other.image, other.box, self.landmarker).mouth
            if mouth and truth.mouth:
                images[RANDOM] = with_mouth(frame, truth.mouth, other, mouth)
            for name, image in images.items():
                self.tracks[name].add(int(self.rows[i]), image, truth, frame.image)
            if i in shown and OUTPUT in images:
                self.strips.append(_strip(index, frame, images[OUTPUT], images[TEMPLATE]))
            done(i + 1)

    def dub(self, done: Done) -> None:
        """Measure each frame's audio on another frame, and that frame unchanged."""
        count = len(self.held_out)
        for i, index in enumerate(self.held_out):
            shown = (i + count // 2) % count
            frame, row = self.template.read(self.held_out[shown]), int(self.rows[i])
            image = dub(self.generator, frame, self._window(index), self.blend)
            self.tracks[DUBBING].add(row, image, self.truths[shown])
            self.tracks[UNCHANGED].add(row, frame.image, self.truths[shown])
            done(i + 1)

    def on_silence(self, windows: list[Window], done: Done) -> dict[str, Track]:
        """Measure the first held-out frames on windows of silence, and unchanged; empty without windows."""
        if not windows:
            return {}
        tracks = {DUBBING: self._track(), UNCHANGED: self._track()}
        for i, window in enumerate(windows):
            frame, row = self.template.read(self.held_out[i]), int(self.rows[i])
            tracks[DUBBING].add(row, dub(self.generator, frame, window, self.blend), self.truths[i])
            tracks[UNCHANGED].add(row, frame.image, self.truths[i])
            done(i + 1)
        return tracks

    def values(
        self, loudness: Curve, quiet: dict[str, Track], phones: Sequence[Phone] = ()
    ) -> dict[str, dict[str, Value]]:
        """Every figure of every subject for which it is defined."""
        values: dict[str, dict[str, Value]] = {name: {} for name in DEFINITIONS}
        level = np.full(len(self.tracks[RECORDING]["opening"]), np.nan)
        level[self.rows] = loudness
        for subject in (OUTPUT, TEMPLATE, RANDOM):
            for name, value in self._reconstruction(self.tracks[subject]).items():
                values[name][subject] = value
        for subject, base in ((OUTPUT, RECORDING), (TEMPLATE, RECORDING), (DUBBING, UNCHANGED)):
            for name, value in self._seams(self.tracks[subject], self.tracks[base]).items():
                values[name][subject] = value
        for subject in (DUBBING, UNCHANGED):
            for name, value in self._lips(self.tracks[subject]).items():
                values[name][subject] = value
        if phones:
            bilabial = self._spans(phones, BILABIAL, outside=0.5 / self.features.spec.fps)
            pauses = self._spans(phones, (SILENCE,), outside=-PAUSE_EDGE)
            openings = {name: self.tracks[name]["opening"][self.rows] for name in self.tracks}
            below = figures.closed_below(openings[RECORDING])
            for subject in (OUTPUT, RECORDING, DUBBING, UNCHANGED):
                values["closure"][subject] = figures.closure(openings[subject], openings[RECORDING], bilabial, below)
                values["resting"][subject] = figures.resting(openings[subject], pauses, below)
        for subject in (OUTPUT, RECORDING):
            opening = self.tracks[subject]["opening"]
            values["silence_motion"][subject] = (
                figures.silence_motion(opening, level)
                if np.isfinite(loudness).any()
                else Value.missing("the template has no audio")
            )
        if not isinstance(self.generator, NetworkGenerator):
            for by_subject in values.values():
                if OUTPUT in by_subject:
                    by_subject[OUTPUT] = Value.missing(CROP_ONLY)
        for subject in (DUBBING, UNCHANGED):
            values["silence_opening"][subject] = (
                _spread(quiet[subject]["opening"])
                if quiet
                else Value.missing("features of silence need an audio encoder")
            )
        return values

    def _spans(self, phones: Sequence[Phone], names: tuple[str, ...], outside: float) -> list[tuple[int, int]]:
        """(first, one after the last) of the held-out frames whose middle is in a phone or up to `outside` s away."""
        fps, first = self.features.spec.fps, self.held_out.start
        spans = []
        for phone in phones:
            if phone.name in names:
                start, end = ((time * fps - first - 0.5) for time in (phone.start - outside, phone.end + outside))
                begin, stop = max(ceil(start), 0), min(floor(end) + 1, len(self.held_out))
                if begin < stop:
                    spans.append((begin, stop))
        return spans

    def _reconstruction(self, track: Track) -> dict[str, Value]:
        """The figures that compare a track with the recording frame by frame."""
        recording = self.tracks[RECORDING]
        jitter, own = figures.point_jitter(track.lips), figures.point_jitter(recording.lips)
        return {
            "face_psnr": figures.overall_psnr(track["error"]),
            "face_ssim": figures.mean(track["ssim"]),
            "mouth_psnr": figures.overall_psnr(track["mouth_error"]),
            "mouth_ssim": figures.mean(track["mouth_ssim"]),
            "mouth_sharpness": figures.ratio(track["sharpness"], recording["sharpness"], NO_FACE),
            "lip_distance": figures.mean(track["distance"], 100),
            "lip_distance_px": figures.mean(track["distance_px"]),
            "lip_jitter": figures.ratio(jitter, own, "no three frames in a row show a face"),
            "mouth_jitter": figures.ratio(
                track["flicker"], recording["flicker"], "no three frames in a row show a face, or nothing moves"
            ),
            **self._lips(track),
        }

    def _seams(self, track: Track, unedited: Track) -> dict[str, Value]:
        flat = "the unedited frames have no edges to compare with"
        return {name: figures.ratio(track[name], unedited[name], flat) for name in ("seam", "inner_seam")}

    def _lips(self, track: Track) -> dict[str, Value]:
        """The figures that compare the motion of the lips with that of the recording."""
        curves = track["opening"], self.tracks[RECORDING]["opening"]
        return {
            "opening_correlation": figures.opening_correlation(*curves),
            "lag": figures.lag(*curves, self.features.spec.fps),
        }

    def _track(self) -> Track:
        return Track(int(self.rows[-1]) + 1, self.generator.spec.face, self.landmarker)

    def _window(self, index: int) -> Window:
        return feature_window(self.features.values, index, self.features.spec)


def _spread(opening: Curve) -> Value:
    """Standard deviation in % of a face scale."""
    known = opening[np.isfinite(opening)]
    if not len(known):
        return Value.missing(NO_FACE)
    return Value(100 * float(known.std()))


def _strip(index: int, frame: TemplateFrame, output: Frame, baseline: Frame) -> Frame:
    """The face of a frame in the recording, the output, their difference and the baseline, side by side."""
    faces = [frame.box.cut(image) for image in (frame.image, output, baseline)]
    recorded, rendered, template = (
        cv2.resize(face, (STRIP_SIDE, STRIP_SIDE), interpolation=cv2.INTER_AREA) for face in faces
    )
    difference = cv2.convertScaleAbs(cv2.absdiff(recorded, rendered), alpha=STRIP_GAIN)
    captions = (f"recording, frame {index}", "output", f"difference x {STRIP_GAIN}", "template")
    parts = (recorded, rendered, difference, template)
    return np.hstack([captioned(np.asarray(part, np.uint8), text) for part, text in zip(parts, captions, strict=True)])
