"""Teach the streaming encoder, and the audio model that listens with it, together what a generator shows.

python -m studio.streaming_encoder_tuning ENCODER GENERATOR SPEECH... --foreign SPEECH... --recorded SPEECH... \\
    --like GENERATOR --template FOLDER -o FOLDER

ENCODER: weights that `studio.streaming_encoder_learning` wrote. GENERATOR: one whose audio model `studio.presenter
listen --encoder --like` taught with it. SPEECH: files that `studio.streaming_encoder_data` wrote. The mouths that are
shown are to be those of `presenter.teacher`, the features still those of the type `whisper`. FOLDER gets
`encoder.safetensors` and `generator.safetensors`.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.making.encoder import open_encoder
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.spec import SAMPLE_RATE, STREAMING, WHISPER, WINDOW
from frame_generation_pipeline.template.template import Template
from studio.presenter.encoded_speech import REACH, EncodedSpeech
from studio.presenter.listen import HEAD_FIRST, Listener
from studio.presenter.listen import WEIGHTS as OF_ARTICULATORS
from studio.presenter.teacher import Teacher
from studio.streaming_encoder import LARGEST, StreamingEncoder, load
from studio.streaming_encoder_data import Speech
from studio.streaming_encoder_learning import NOISE, Pool, descend, error_of_features

PARTS, WINDOWS, EVERY = 24, 4, 3  # of a batch: parts of speech, windows of each, and frames from one to the next
ROWS = WINDOW + EVERY * (WINDOWS - 1)  # features of a part
FEATURES = 0.3  # weight of the features' error
RATES = {"encoder": 1.5e-4, "listener": 3e-4}


class Tuned(nn.Module):
    """The encoder and a generator's audio model."""

    def __init__(self, encoder: StreamingEncoder, listener: Listener) -> None:
        super().__init__()
        self.encoder, self.listener = encoder, listener


class Lessons:
    """Speech, and what is to be shown of it."""

    def __init__(self, pool: Pool, foreign: Tensor, teacher: Teacher) -> None:
        """foreign: (N,) bool, whether the teacher has learned no images of a frame's language."""
        self.pool, self.foreign, self.teacher = pool, foreign, teacher
        quiet = extract_features([np.zeros(2 * SAMPLE_RATE, np.float32)], open_encoder(None, WHISPER.name)).values
        self.silence = torch.from_numpy(quiet[len(quiet) // 2])
        self.of_articulators = torch.from_numpy(OF_ARTICULATORS)

    def loss(self, tuned: Tuned, *, head_alone: bool) -> Tensor:
        """On a new batch. head_alone: what reads the articulators learns without changing what it reads."""
        pool, batch = self.pool, self.pool.batch(PARTS, ROWS)
        values = tuned.encoder.values(batch.powers).transpose(1, 2).clamp(-LARGEST, LARGEST)
        noisy = values + NOISE * torch.randn_like(values)
        windows = noisy.unfold(1, WINDOW, EVERY).transpose(2, 3).reshape(-1, *STREAMING.window_shape)

        rows = STREAMING.before + EVERY * torch.arange(WINDOWS)  # of the windows' frames
        truth, known = (part[:, rows].flatten(0, 1) for part in pool.truths(batch, ROWS, REACH, REACH))
        moves = torch.where(known[..., None], truth, torch.nan).flatten(1)
        taught = pool.around(pool.taught, batch, ROWS, WHISPER.before, WHISPER.ahead)[:, rows]
        taught = torch.where(batch.silent[:, None, None, None], self.silence, taught)
        foreign = self.foreign[batch.place[:, None] + rows].flatten()

        output: Tensor = tuned.listener.audio_model(windows)
        found = tuned.listener.articulators(output.detach() if head_alone else output)
        errors = (self.of_articulators * (found - truth[:, REACH]).square()).mean(1) * known[:, REACH]
        shown = self.teacher.loss(output, taught.reshape(-1, *WHISPER.window_shape), moves, foreign)
        of_known = errors.sum() / known[:, REACH].sum().clamp_min(1)
        return shown + of_known + FEATURES * error_of_features(pool, batch, values)


def tune(tuned: Tuned, lessons: Lessons, steps: int) -> Tuned:
    """The mean of what they learn, see `descend`; their norms keep their statistics."""

    def loss(step: int) -> tuple[Tensor, str]:
        value = lessons.loss(tuned, head_alone=step < HEAD_FIRST)
        return value, f"loss {value.item():.4f}"

    tuned.eval().requires_grad_(True)
    groups = [{"params": list(getattr(tuned, name).parameters()), "lr": rate} for name, rate in RATES.items()]
    return descend(tuned, torch.optim.AdamW(groups, weight_decay=0.02), loss, steps, lowest=0.02)


def encoded(speech: Speech, *, foreign: bool) -> EncodedSpeech:
    """What of it is known, as a teacher listens to it."""
    known = ~np.isnan(speech.truth).any(1)
    one = EncodedSpeech(speech.taught[known], speech.truth[known], np.full(known.sum(), ""), WHISPER, foreign=foreign)
    return replace(one, other=one)


def unknown(speech: Speech) -> Speech:
    """The same, without what mouths do in it: the teacher then goes by what the old generator shows."""
    return replace(speech, truth=np.full_like(speech.truth, np.nan))


def main() -> None:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("generator", type=Path)
    parser.add_argument("speech", type=Path, nargs="+")
    parser.add_argument("--foreign", type=Path, nargs="+", default=[], help="speech in languages without images")
    parser.add_argument("--recorded", type=Path, nargs="+", default=[], help="speech whose phones are less certain")
    parser.add_argument("--like", type=Path, required=True, help="the generator that listens with Whisper's encoder")
    parser.add_argument("--template", type=Path, required=True, help="of the person that it paints")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    speech = [Speech.read(path) for path in [*arguments.speech, *arguments.foreign]]
    foreign = [number >= len(arguments.speech) for number in range(len(speech))]
    known = [encoded(part, foreign=flag) for part, flag in zip(speech, foreign, strict=True)]
    teacher = Teacher.of(load_network(arguments.like, WHISPER.name), known, Template.open(arguments.template))
    speech += [unknown(Speech.read(path)) for path in arguments.recorded]
    foreign += [False] * len(arguments.recorded)
    flags = torch.tensor(foreign).repeat_interleave(torch.tensor([len(part.truth) for part in speech]))
    lessons = Lessons(Pool(Speech.joined(speech)), flags, teacher)
    generator = load_network(arguments.generator, STREAMING.name)
    tuned = tune(Tuned(load(arguments.encoder), Listener(generator)), lessons, arguments.steps)
    generator.audio_model.load_state_dict(tuned.listener.audio_model.state_dict())
    arguments.output.mkdir(parents=True, exist_ok=True)
    with complete_file(arguments.output / "encoder.safetensors") as temporary:
        save_file(tuned.encoder.state_dict(), temporary)
    write_tensors(arguments.output / "generator.safetensors", generator.state_dict())


if __name__ == "__main__":
    main()
