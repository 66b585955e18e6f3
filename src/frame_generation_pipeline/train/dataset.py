"""The samples of a training: faces of a template with their windows of features and the positions of the lips."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.errors import TemplateError
from frame_generation_pipeline.face.crop import mask_face
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.spec import FACE_328, WINDOW, FaceSpec
from frame_generation_pipeline.template.rest import lip_openings
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.cutting import DeviceFaces
from frame_generation_pipeline.train.faces import stored_faces, stored_places
from frame_generation_pipeline.train.opening_weights import opening_weights
from frame_generation_pipeline.train.recipe import MOST_FRAMES, Recipe
from frame_generation_pipeline.train.spread import choose_spread

logger = logging.getLogger(__name__)

CONTEXT = 0.08  # margin around a crop box, as a share of its side, into which the box can be moved
MOUTH_REGION = 0.4  # side of the square around the lips, as a share of the resized crop without its rim
RIM = FACE_328.margin  # pixels; the rim of 160 has the same width, and mobile has the crop of 328
MATCH_OF = 64  # random frames from which the most similar one is chosen
FEWEST_FRAMES = 2  # to train on, because the reference image is another frame than the target


@dataclass(frozen=True)
class Batch:
    """The b samples of one step, on the CPU or the training device; colours are BGR in [0, 1]."""

    image: Tensor  # (b, 6, size, size): a reference image and the target with its middle blacked out
    target: Tensor  # (b, 3, size, size)
    audio: Tensor  # (b, *window_shape)
    mouth: npt.NDArray[np.int64]  # (b, 2): left and top of the square around the lips, in pixels of the target
    weights: Tensor | None = None  # (b,): how much each sample counts; None: all as much


class SampleSource(Protocol):
    """Gives the samples of a training."""

    @property
    def face(self) -> FaceSpec:
        """The geometry of the faces."""

    @property
    def about_held_out(self) -> str:
        """The beginning of a sentence that describes the held-out samples and their targets."""

    def batch(self, recipe: Recipe, rng: np.random.Generator) -> Batch:
        """Draw a batch of the recipe's size with `rng`."""

    def held_out_samples(self, count: int) -> Batch | None:
        """`count` held-out samples on the CPU, the same in each call; None if nothing is held out."""


@dataclass(frozen=True)
class TrainingSet:
    """The faces of a template with their surroundings, resized once, with their features and landmarks."""

    faces: npt.NDArray[np.uint8]  # (k, side, side, 3) BGR, mapped from a file
    rows: npt.NDArray[np.int64]  # (n,): index into `faces` for each frame; -1 for frames that are not used
    features: AudioFeatures
    face: FaceSpec
    context: float  # margin around the boxes in `faces`, as a share of their side
    lips: npt.NDArray[np.float64]  # (n, 2): the middle of the lips in pixels of `faces`
    noses: npt.NDArray[np.float64]  # (n, k): coordinates of the nose's points in `faces`, which show the head's pose
    weights: npt.NDArray[np.float32] | None  # (n,): see `opening_weights`; None: all frames count as much
    train: npt.NDArray[np.int64]  # frames to train on
    shown: npt.NDArray[np.int64]  # frames that may be reference images; in use every frame is one
    held_out: range  # frames that are not used in training
    others: tuple[AudioFeatures, ...] = ()  # features of other voices for the same frames
    cutting: DeviceFaces | None = None  # cuts faces on the training device; None: OpenCV does
    about_held_out: str = "Frames that are not learned from: truth"

    @classmethod
    def build(
        cls,
        template: Template,
        features: AudioFeatures,
        face: FaceSpec,
        held_out: range,
        store: Path,
        *,
        recipe: Recipe,
        cuts: tuple[int, ...] = (),
        others: tuple[AudioFeatures, ...] = (),
        left_out: Sequence[int] = (),
        most: int = MOST_FRAMES,
        progress: Progress = lambda done, total: None,
    ) -> "TrainingSet":
        """Cut the faces out of `template` into the file `store`, unless an earlier run has done so.

        Frame i belongs to feature i. Frames without a feature are not used, nor those whose window of features reaches
        into `held_out`. Frames whose window reaches across one of `cuts`, before which the recording was cut, and those
        in `left_out` serve only as reference images.
        others: features of other voices that say the same in the same time. most: the largest number of frames to use,
        see `choose_spread`; a warning is logged if there are more.
        Raises TemplateError if too few frames are left, OutputError for a store that cannot be written or has no room,
        ModelError for a damaged one, and the errors of reading frames.
        """
        count = min(len(template), len(features))
        indices, spec = np.arange(count), features.spec
        usable = (indices + spec.ahead + 1 < held_out.start) | (indices - spec.before >= held_out.stop)
        shown = indices[usable]
        for cut in cuts:
            usable &= (indices + spec.ahead + 1 < cut) | (indices - spec.before >= cut)
        train = np.setdiff1d(indices[usable], np.array(left_out, np.int64))
        if len(train) < FEWEST_FRAMES:
            raise TemplateError(
                f"{template.path}: {len(template)} frames with {len(features)} features leave {len(train)} frames to"
                f" learn from; record longer or hold less out"
            )
        context = CONTEXT if recipe.jitter else 0.0
        side = stored_side(face, recipe)
        lips, noses, mouths = stored_places(template, count, context, side)
        kept = np.arange(len(template))
        if len(shown) > most:
            chosen = shown[choose_spread(np.hstack([noses, mouths])[shown], most, pairs=bool(recipe.temporal))]
            train, shown = np.intersect1d(train, chosen), chosen
            kept = np.union1d(chosen, np.arange(held_out.start, held_out.stop))
            logger.warning(
                "%s: %d of %d frames are learned from, spread over how the head stands and the mouth is"
                " (--most-frames for another number)",
                template.path,
                len(chosen),
                count,
            )
        faces = stored_faces(template, store, context, side, cubic=recipe.cubic, kept=kept.tolist(), progress=progress)
        rows = np.full(len(template), -1, np.int64)
        rows[kept] = np.arange(len(kept))
        weights = None
        if recipe.opening:
            openings = np.array(lip_openings(template)[:count])
            weights = opening_weights(openings[train], openings, recipe.opening)
        return cls(faces, rows, features, face, context, lips, noses, weights, train, shown, held_out, others)

    def batch(self, recipe: Recipe, rng: np.random.Generator) -> Batch:
        """See `SampleSource.batch`; a temporal loss needs pairs of neighbouring frames with one reference image."""
        if recipe.temporal:
            first = self.train[np.isin(self.train + 1, self.train)]
            drawn = rng.choice(first, recipe.batch // 2)
            targets = np.stack([drawn, drawn + 1], axis=1).ravel()
            repeats = 2
        else:
            targets = rng.choice(self.train, recipe.batch)
            repeats = 1
        references = rng.choice(self.shown, recipe.batch // repeats)
        moves = rng.uniform(-recipe.jitter, recipe.jitter, (2, recipe.batch // repeats, 3))
        if recipe.matched:  # closer to use, where a frame is its own reference image
            for i in np.flatnonzero(rng.random(len(references)) < recipe.matched):
                references[i], moves[0, i] = self._alike(targets[i * repeats], rng), moves[1, i]
        voices = rng.integers(0, 1 + len(self.others), len(references)) if self.others else np.zeros_like(references)
        batch = self.samples(targets, references.repeat(repeats), moves.repeat(repeats, axis=1), voices.repeat(repeats))
        if self.weights is not None:
            batch = replace(batch, weights=torch.from_numpy(self.weights[targets]))
        if not recipe.noise:
            return batch
        noise = rng.normal(0, recipe.noise * self._deviation, (len(targets), WINDOW, len(self._deviation)))
        return replace(batch, audio=batch.audio + self._network_windows(noise.astype(np.float32)))

    def held_out_samples(self, count: int) -> Batch | None:
        """See `SampleSource.held_out_samples`; spread over the part, with reference images of the training part."""
        if not self.held_out:
            return None
        targets = np.linspace(self.held_out.start, self.held_out.stop - 1, count).round().astype(np.int64)
        references = self.train[np.linspace(0, len(self.train) - 1, count).round().astype(np.int64)]
        return replace(self, cutting=None).samples(targets, references)

    def samples(
        self,
        targets: npt.NDArray[np.int64],
        references: npt.NDArray[np.int64],
        moves: npt.NDArray[np.float64] | None = None,
        voices: npt.NDArray[np.int64] | None = None,
    ) -> Batch:
        """The samples of the given frames (b,).

        moves: (2, b, 3), shifts and scales of the boxes of reference and target.
        voices: (b,), the voice of each sample: 0 is the recording's, 1 the first of `others`.
        """
        if moves is None:
            moves = np.zeros((2, len(targets), 3))
        if self.cutting is not None:
            return self._samples_on_device(self.cutting, targets, references, moves, voices)
        images, truths, mouths = [], [], []
        side = mouth_side(self.face)
        for target, reference, move, reference_move in zip(targets, references, moves[1], moves[0], strict=True):
            truth, lips = self._face(target, move)
            shown, _ = self._face(reference, reference_move)
            images.append(np.concatenate([shown, mask_face(truth, self.face)], axis=2))
            truths.append(truth)
            mouths.append(np.clip(np.rint(lips - side / 2), 0, self.face.size - side))
        return Batch(
            to_tensor(np.stack(images)),
            to_tensor(np.stack(truths)),
            self.windows(targets, voices),
            np.array(mouths, np.int64),
        )

    def _samples_on_device(
        self,
        cutting: DeviceFaces,
        targets: npt.NDArray[np.int64],
        references: npt.NDArray[np.int64],
        moves: npt.NDArray[np.float64],
        voices: npt.NDArray[np.int64] | None,
    ) -> Batch:
        """As `samples`, with the images on the device."""
        corners, sizes = self._moved(np.concatenate([moves[1], moves[0]]))
        faces = cutting.cut(self.rows[np.concatenate([targets, references])], corners, sizes)
        truth, shown = faces[: len(targets)], faces[len(targets) :]
        x, y, width, height = self.face.mask
        masked = truth.clone()
        masked[:, :, y : y + height, x : x + width] = 0
        image = torch.cat([shown, masked], dim=1)
        scale = self.face.crop_size / sizes[: len(targets), np.newaxis]
        lips = (self.lips[targets] - corners[: len(targets)]) * scale - self.face.margin
        side = mouth_side(self.face)
        mouth = np.clip(np.rint(lips - side / 2), 0, self.face.size - side).astype(np.int64)
        image, truth = (images.contiguous(memory_format=torch.channels_last) for images in (image, truth))
        return Batch(image, truth, self.windows(targets, voices), mouth)

    def _moved(self, moves: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Moves (b, 3) of boxes -> left and top (b, 2) and sides (b,), in pixels of stored faces."""
        stored = self.faces.shape[1]
        plain = stored / (1 + 2 * self.context)  # the box's side in a stored face
        sizes = plain * (1 + moves[:, 2])
        return (stored - sizes[:, np.newaxis]) / 2 + moves[:, :2] * plain, sizes

    def windows(self, targets: npt.NDArray[np.int64], voices: npt.NDArray[np.int64] | None = None) -> Tensor:
        """The windows of the given frames, (b, *window_shape); voices: as in `samples`."""
        spoken = [self.features, *self.others]
        pairs = zip(np.zeros_like(targets) if voices is None else voices, targets, strict=True)
        windows = np.stack(
            [feature_window(spoken[voice].values, int(index), self.features.spec) for voice, index in pairs]
        )
        return self._network_windows(windows)

    def _network_windows(self, windows: npt.NDArray[np.float32]) -> Tensor:
        """(b, 16, ...) -> (b, *window_shape)."""
        return torch.from_numpy(windows.reshape(len(windows), *self.features.spec.window_shape))

    def _alike(self, target: int, rng: np.random.Generator) -> int:
        """Choose from random frames of other moments the one whose head pose is nearest to that of `target`."""
        drawn = rng.choice(self.shown, MATCH_OF)
        elsewhere = drawn[np.abs(drawn - target) > WINDOW // 2]
        drawn = elsewhere if len(elsewhere) else drawn
        return int(drawn[np.linalg.norm(self.noses[drawn] - self.noses[target], axis=1).argmin()])

    @cached_property
    def _deviation(self) -> npt.NDArray[np.float32]:
        """(F,): the standard deviation of each value of a feature."""
        return np.asarray(self.features.values.reshape(len(self.features), -1).std(axis=0))

    def _face(self, index: int, move: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
        """The network's region (size, size, 3) of a face with a moved box, and the middle of the lips in it."""
        (corner,), (size,) = self._moved(move[np.newaxis])
        scale = self.face.crop_size / size
        shift = scale / 2 - 0.5 - corner * scale  # pixel centres are half a pixel from the edges
        crop = cv2.warpAffine(
            np.asarray(self.faces[self.rows[index]]),
            np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]),
            (self.face.crop_size, self.face.crop_size),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        margin = self.face.margin
        lips = (self.lips[index] - corner) * scale - margin
        return np.asarray(crop[margin:-margin, margin:-margin], np.uint8), lips


def mouth_side(face: FaceSpec) -> int:
    """Side of the square around the lips in pixels of the network's output; even, for half-size training."""
    return 2 * round(MOUTH_REGION * (face.crop_size - 2 * RIM) / 2)


def to_tensor(images: npt.NDArray[np.uint8]) -> Tensor:
    """(b, h, w, c) uint8 -> (b, c, h, w) float32 in [0, 1], channels last in memory, which trains faster."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def stored_side(face: FaceSpec, recipe: Recipe) -> int:
    """Side in pixels of a training's stored faces."""
    return round(face.crop_size * (1 + 2 * (CONTEXT if recipe.jitter else 0.0)))


def stored_bytes(frames: int, face: FaceSpec, recipe: Recipe) -> int:
    """Bytes of a training's stored faces for `frames` frames."""
    return frames * 3 * stored_side(face, recipe) ** 2
