"""What an audio model learns from a generator that has learned: to say what it says, as far as that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.template.sequence import FrameSequence
from studio.presenter.encoded_speech import NAMES, REACH, EncodedSpeech, shaped
from studio.presenter.expected import Expected
from studio.presenter.shown import Shown

FRAMES = 6000  # of each speech, from which is learned what is expected
RUN = 300  # frames in a row that are painted to learn how openings are shown
ENGLISH_RUNS = 4
OPENING, SEAL = NAMES.index("opening"), NAMES.index("seal")
CLOSED = 4.0  # what a frame of lips that meet counts more than another, since their openings are small and seen
WEIGHTS = {"joined": 0.4, "opening": 0.6}


@dataclass(frozen=True)
class Teacher:
    """A generator that has learned images, and what is expected of its audio model and shown of it.

    Where it has learned the language, a new audio model is to say half of what the old one says and half of what is
    expected, since the mean follows the truth more closely; in other languages what is expected alone.
    """

    old: Network
    expected: Expected
    shown: Shown

    @classmethod
    def of(cls, old: Network, speech: Sequence[EncodedSpeech], template: FrameSequence) -> "Teacher":
        """speech: with features of the old generator as `other`; template: of the person that it paints."""
        random = np.random.default_rng(0)
        learned = [one for one in speech if not one.foreign and one.voiced]
        moves, outputs = [], []
        for one in learned:
            at = random.permutation(len(one.values))[:FRAMES]
            moves.append(torch.from_numpy(one.moves(at)))
            outputs.append(said(old, one, at))
        expected = Expected(torch.cat(moves), torch.cat(outputs))
        runs = []
        for number, one in enumerate([*learned[:1] * ENGLISH_RUNS, *(one for one in speech if one.foreign)]):
            first = int(random.integers(max(1, len(one.values) - RUN)))
            at = np.arange(first, min(first + RUN, len(one.values)))
            truth = torch.from_numpy(one.truth[at, OPENING])
            runs.append((said(old, one, at), truth))
            if number >= ENGLISH_RUNS:
                runs.append((expected(torch.from_numpy(one.moves(at))), truth))
        return cls(old, expected, Shown(old, template, runs))

    def loss(self, output: Tensor, windows: Tensor, moves: Tensor, foreign: Tensor) -> Tensor:
        """Of the new audio model's output (b, C, h, w), for the old features' windows and `EncodedSpeech.moves`.

        foreign: (b,) bool, whether the old generator has not learned the language. Where moves are not known, they are
        NaN, and the new audio model is to say what the old one says.
        """
        known, moves = moves.isfinite().all(1), moves.nan_to_num()
        with torch.no_grad():
            said, expected = self.old.audio_model(windows), self.expected(moves)
            old = torch.where(foreign[:, None, None, None], expected, (said + expected) / 2)
            old = torch.where(known[:, None, None, None], old, said)
            faces = self.shown.some(len(output))
            truth = moves[:, REACH * len(NAMES) :]
            joined = self.shown(faces, old)
            opening = torch.where(known, self.shown.true_opening(truth[:, OPENING]), self.shown.opening(joined))
            counts = 1 + CLOSED * truth[:, SEAL]
        new = self.shown(faces, output)
        opened = self.shown.opening(new) - opening
        errors = {"joined": (new - joined).square().mean((1, 2, 3)), "opening": opened.square()}
        return torch.stack([WEIGHTS[name] * (counts * error).mean() for name, error in errors.items()]).sum()


def said(network: Network, speech: EncodedSpeech, indices: npt.NDArray[np.int64]) -> Tensor:
    """What the audio model says (n, C, h, w) of the other features of these frames."""
    assert speech.other is not None
    with torch.no_grad():
        parts = [network.audio_model(shaped(speech.other.windows(part), speech.other.spec))
                 for part in np.array_split(indices, -(-len(indices) // 256))]  # fmt: skip
    return torch.cat(parts)
