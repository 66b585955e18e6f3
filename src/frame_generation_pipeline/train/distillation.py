"""The samples of a distillation: what a large generator paints on a template's frames, for any speech."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.arrays import Features, Window
from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.errors import FeatureError
from frame_generation_pipeline.face.crop import mask_face
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.generator.face_states import SHARE_OF_FREE, FaceStates, available_memory
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.checkpoint import read_tensors
from frame_generation_pipeline.making.networks import Network, build_network
from frame_generation_pipeline.spec import NETWORKS, WINDOW, AudioSpec, FaceSpec, GeneratorSpec
from frame_generation_pipeline.template.landmarks import LIPS
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.dataset import Batch, mouth_side, to_tensor
from frame_generation_pipeline.train.faces import stored_faces, stored_points
from frame_generation_pipeline.train.recipe import Recipe
from frame_generation_pipeline.weights import STARTS

SPEEDS = (0.7, 1.4)  # slowest and fastest speed of the speech, relative to its own
MIXED = 0.5  # share of the windows that are a mixture of two
WINDOWS_A_FACE = 2  # windows for each drawn face, so that its face state is computed once


@dataclass(frozen=True)
class DistillationSet:
    """Template faces, speech, and the teacher that paints the targets.

    A frame is its own reference image, as in use. The teacher renders any window, so the speech is also used at other
    speeds and with mixed windows, which gives an unlimited number of samples.
    """

    teacher: ProgramGenerator
    states: FaceStates  # the teacher's face states of the template's frames
    face: FaceSpec  # of the student
    faces: npt.NDArray[np.uint8]  # (n, crop_size, crop_size, 3) BGR of `face`, mapped from a file
    lips: npt.NDArray[np.float64]  # (n, 2): the middle of the lips, in pixels of `faces`
    speech: tuple[Features, ...]  # for training; each with silence before and after it
    held_out_windows: tuple[Window, ...]  # not used in training
    about_held_out: str = "Speech that is not learned from: what the large generator paints"

    @classmethod
    def build(
        cls,
        template: Template,
        teacher: ProgramGenerator,
        face: FaceSpec,
        speech: Sequence[AudioFeatures],
        held_out: float,
        store: Path,
        *,
        progress: Progress = lambda done, total: None,
    ) -> "DistillationSet":
        """Store every face of `template` in the file `store`; the last `held_out` seconds of `speech` are held out.

        Raises FeatureError if too little speech is left, and the errors of `stored_faces`.
        """
        spec = teacher.spec.audio
        values = [features.values.reshape(len(features), -1) for features in speech]
        last = values[-1]
        held = min(round(held_out * spec.fps), len(last))
        learned = max(len(last) - held - spec.before, 0) if held else len(last)
        values[-1] = last[:learned]
        if not (kept := tuple(np.pad(voice, ((1, 1), (0, 0))) for voice in values if len(voice))):
            raise FeatureError(
                f"{len(last)} features of speech leave none to learn from beside {held_out} s held out; give more"
                " speech or hold less out"
            )
        held_out_windows = tuple(feature_window(last, index, spec) for index in range(len(last) - held, len(last)))
        faces = stored_faces(template, store, 0, face.crop_size, cubic=face.cubic, progress=progress)
        lips = [stored_points(template, index, 0, face.crop_size)[LIPS].mean(axis=0) for index in range(len(template))]
        states = FaceStates(teacher, len(template), budget=available_memory() // SHARE_OF_FREE)
        return cls(teacher, states, face, faces, np.array(lips), kept, held_out_windows)

    def batch(self, recipe: Recipe, rng: np.random.Generator) -> Batch:
        """See `SampleSource.batch`."""
        drawn = rng.integers(0, len(self.faces), -(-recipe.batch // WINDOWS_A_FACE))
        windows = []
        for mixed in rng.random(recipe.batch) < MIXED:
            window, share = self._window(rng), np.float32(rng.random())
            windows.append(window + share * (self._window(rng) - window) if mixed else window)
        return self.samples(drawn.repeat(WINDOWS_A_FACE)[: recipe.batch], windows)

    def held_out_samples(self, count: int) -> Batch | None:
        """See `SampleSource.held_out_samples`; windows and frames are each spread evenly."""
        if not self.held_out_windows:
            return None
        windows, frames = (
            np.linspace(0, of - 1, count).round().astype(int) for of in (len(self.held_out_windows), len(self.faces))
        )
        return self.samples(frames, [self.held_out_windows[index] for index in windows])

    def samples(self, frames: npt.NDArray[np.int64], windows: Sequence[Window]) -> Batch:
        """The samples of frames (b,) with b windows; the teacher renders the targets."""
        with ThreadPoolExecutor(self.teacher.concurrency) as pool:
            targets = list(pool.map(self._target, frames.tolist(), windows))
        inner = [self._region(self.faces[index]) for index in frames]
        images = [np.concatenate([region, mask_face(region, self.face)], axis=2) for region in inner]
        side = mouth_side(self.face)
        corners = np.rint(self.lips[frames] - self.face.margin - side / 2)
        return Batch(
            to_tensor(np.stack(images)),
            to_tensor(np.stack(targets)),
            torch.from_numpy(np.stack(windows).reshape(len(windows), *self.teacher.spec.audio.window_shape)),
            np.clip(corners, 0, self.face.size - side).astype(np.int64),
        )

    def _target(self, index: int, window: Window) -> npt.NDArray[np.uint8]:
        crop = np.array(self.faces[index])
        return self._region(self.teacher.render(self.states.encode_face(index, crop), window, crop))

    def _region(self, crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        margin = self.face.margin
        return crop[margin:-margin, margin:-margin]

    def _window(self, rng: np.random.Generator) -> Window:
        """A window at a random moment and speed of the speech; silence beyond the ends of its voice."""
        ends = np.cumsum([len(voice) - 1 for voice in self.speech])  # between the first of them and the last
        moment = rng.uniform(0, ends[-1])
        number = min(int(np.searchsorted(ends, moment, side="right")), len(ends) - 1)
        voice = self.speech[number]
        middle = moment - ends[number] + len(voice) - 1
        around = np.arange(WINDOW) - self.teacher.spec.audio.before
        places = np.clip(middle + rng.uniform(*SPEEDS) * around, 0, len(voice) - 1)
        before = np.minimum(places.astype(int), len(voice) - 2)
        share = (places - before).astype(np.float32)[:, np.newaxis]
        return np.asarray(voice[before] * (1 - share) + voice[before + 1] * share, np.float32)


def begin_student(network: str, audio: AudioSpec, seed: int) -> Network:
    """The small generator with the presenter's weights where they fit, and random weights elsewhere."""
    torch.manual_seed(seed)
    face, width = NETWORKS[network]
    student = build_network(GeneratorSpec(face, audio, width))
    own = student.state_dict()
    start = read_tensors(STARTS[network]) if network in STARTS else {}
    fitting = {key: value for key, value in start.items() if key in own and value.shape == own[key].shape}
    listening, other = ({key for key in state if key.startswith("audio_model.")} for state in (own, start))
    hears_alike = listening == other and listening <= fitting.keys()
    student.load_state_dict(
        own | {key: value for key, value in fitting.items() if hears_alike or not key.startswith("audio_model.")}
    )
    return student
