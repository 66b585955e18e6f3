"""Run a training from beginning to end, saving it on the way and resuming it after an interruption."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import count
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import FeatureError, ModelError, OptionError, OutputError, library_errors
from frame_generation_pipeline.files.json_file import read_json
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.files.partial import alone
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.making.checkpoint import save_pickled, write_tensors
from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.making.torch_backend import choose_device, load_network
from frame_generation_pipeline.speaking.stages import prefetch
from frame_generation_pipeline.spec import NETWORKS, GeneratorSpec
from frame_generation_pipeline.template.prepared import AUDIO, features_name, find_features, recording_cuts
from frame_generation_pipeline.template.rest import parted_in_silence
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.cutting import DeviceFaces
from frame_generation_pipeline.train.dataset import Batch, TrainingSet
from frame_generation_pipeline.train.losses import GeneratorLoss
from frame_generation_pipeline.train.memory import keep_freed_memory
from frame_generation_pipeline.train.page import Log, write_page
from frame_generation_pipeline.train.recipe import DEFAULT, MOST_FRAMES, Recipe
from frame_generation_pipeline.train.resuming import damaged, fingerprint, read_state
from frame_generation_pipeline.train.scores import score_held_out
from frame_generation_pipeline.train.syncnet import SyncLoss, SyncNetwork, SyncTrainer
from frame_generation_pipeline.train.trainer import Trainer

HELD_OUT = 2.0  # seconds at the end of a template that are not used in training
SAVE_EVERY, PAGE_EVERY, LOG_EVERY = 60.0, 180.0, 20  # seconds, seconds, steps
SYNC_SHARE = 0.15  # share of a training with a SyncNet loss, at its beginning, that trains the SyncNet

STATE, FACES, SETTINGS, PAGE = "state.pt", "faces.npy", "train.json", "train.html"
CHECKPOINTS = ("generator.safetensors", "generator.pth")


@dataclass(frozen=True)
class Duration:
    """The end of a training: after `steps`, including a SyncNet's, or after `minutes` of work in all its runs."""

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        limits = [value for value in (self.steps, self.minutes) if value is not None]
        if len(limits) != 1 or not limits[0] > 0:
            raise OptionError("a training ends after a number of steps or of minutes; give one of them, above 0")

    def progress(self, steps: int, seconds: float) -> float:
        """The share of the training, 0 to 1, that is complete after `steps` and `seconds`."""
        done = steps / self.steps if self.steps else seconds / (60 * (self.minutes or 1))
        return min(done, 1.0)


@library_errors("the training ended")
def train(
    template_dir: str | Path,
    output_dir: str | Path,
    duration: Duration,
    *,
    network: str = "light",
    recipe: Recipe = DEFAULT,
    vgg: str | Path | None = None,
    start: str | Path | None = None,
    features_path: str | Path | None = None,
    other_voices: Sequence[str | Path] = (),
    held_out: float = HELD_OUT,
    device: str = "auto",
    seed: int = 0,
    most_frames: int = MOST_FRAMES,
    resume: bool = False,
    progress: Update = lambda done, total, note="": None,
) -> Path:
    """Train a generator on the template folder `template_dir`; returns its checkpoint, `generator.safetensors`.

    output_dir: receives the checkpoint, also as the original's `.pth`; `train.html` with loss curves and held-out
    frames, updated on the way; `train.json` with the settings; and the state from which a training is resumed.
    duration: with `steps`, an interrupted training ends with the same bits as one that was not interrupted.
    network: one of `spec.NETWORKS`; with `start`, that of its checkpoint.
    recipe: losses and steps. vgg: weights for its perceptual loss, see `PerceptualLoss`.
    start: a generator's checkpoint to begin from, for features of the template's type.
    features_path: features of the template's audio; by default `aud_*.npy` in its folder, of several that of the start.
    other_voices: features of other voices that say the same in the same time; one voice is drawn for each sample.
    held_out: seconds at the end of the template that are not used in training.
    most_frames: the number of frames to use of a longer template, spread over poses and mouth shapes.
    device: see `choose_device`; CUDA uses mixed precision, and cuts the faces if half of its memory holds them.
    resume: resume the training in output_dir, if there is one.

    Raises MissingFileError; TemplateError; FeatureError; ModelError for a start of another type and for a loss that is
    not finite; OptionError, also for a training that had other settings; OutputError for a folder that cannot be
    written, in which another training runs, or that holds a training that is not resumed; LibraryError.
    """
    keep_freed_memory()
    template, output = Template.open(template_dir), Path(output_dir)
    device = choose_device(device)
    begun = None if start is None else load_network(start)
    mode = begun.spec.audio.name if begun else None
    features_path = Path(features_path) if features_path else find_features(template.folder, mode)
    features = AudioFeatures.load(features_path)
    if begun is None:
        torch.manual_seed(seed)
        face, width = NETWORKS[network]
    elif begun.spec.audio != features.spec:
        raise ModelError(
            f"{start}: is for {mode} features, {features_path} holds {features.spec.name} ones; `framegen features"
            f" {template.folder / AUDIO} --mode {mode} -o {template.folder / features_name(str(mode))}` computes others"
        )
    generator = begun or build_network(GeneratorSpec(face, features.spec, width))
    others = tuple(AudioFeatures.load(path, features.spec) for path in other_voices)
    for path, other in zip(other_voices, others, strict=True):
        if len(other) != len(features):
            raise FeatureError(
                f"{path}: {len(other)} features; another voice of the recording has as many as {features_path},"
                f" {len(features)}"
            )
    last = min(len(template), len(features))
    held = range(max(last - round(held_out * features.spec.fps), 0), last)
    settings = {
        "template": fingerprint(template, features, *others),
        "generator": {"face": generator.spec.face.name, "audio": features.spec.name, "width": generator.spec.width},
        "start": Path(start).name if start else None,
        "recipe": asdict(recipe),
        "held_out": [held.start, held.stop],
        "seed": seed,
    }
    settings |= {"most_frames": most_frames} if most_frames < last else {}
    with alone(output, output):
        state = begin(output, settings, resume)
        data = TrainingSet.build(
            template,
            features,
            generator.spec.face,
            held,
            output / FACES,
            recipe=recipe,
            cuts=recording_cuts(template.folder),
            others=others,
            left_out=() if recipe.parted else parted_in_silence(template, features.spec),
            most=most_frames,
        )
        if device == "cuda" and 2 * data.faces.nbytes < torch.cuda.mem_get_info()[0]:
            data = replace(data, cutting=DeviceFaces(data.faces, data.face, torch.device(device)))
        trainer = Trainer(generator, data, recipe, GeneratorLoss.of(recipe, vgg), device=device, seed=seed)
        torch.manual_seed(seed)
        sync = SyncTrainer(SyncNetwork(features.spec), data, device=device, seed=seed) if recipe.sync else None
        run = TrainingRun(trainer, sync, output, duration)
        if state is not None:
            run.restore(state)
        run.work(progress)
    return output / CHECKPOINTS[0]


class TrainingRun:
    """Runs the trainers, a SyncNet first and then the generator that it judges, and saves their state."""

    def __init__(self, trainer: Trainer, sync: SyncTrainer | None, output: Path, duration: Duration) -> None:
        self.trainer, self.sync, self.output, self.duration = trainer, sync, output, duration
        self.seconds = 0.0  # of work before this run
        self.log = Log()
        self.started = time.perf_counter()

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a saved state. Raises ModelError if it is not a state of this training."""
        try:
            self.trainer.load_state_dict(state["trainer"])
            if self.sync:
                self.sync.load_state_dict(state["sync"])
            self.seconds = state["seconds"]
            self.log = Log(state["losses"], state["scores"])
            entries = [*self.log.losses, *self.log.scores]
            measured = [entry["minutes"] + sum(entry.values()) for entry in entries]
            if not (0 <= self.seconds < inf and self._steps() >= 0 and all(map(isfinite, measured))):
                raise ValueError("impossible counts")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
            raise damaged(self.output / STATE) from error

    def work(self, progress: Update) -> None:
        """Train to the end. If it is stopped at any time, the last saved state is complete."""
        saved = shown = time.perf_counter()
        recent: list[dict[str, float]] = []
        with closing(prefetch(self._batches())) as batches:
            while (done := self.duration.progress(self._steps(), self._elapsed())) < 1:
                recent.append(self._step(done, batches))
                steps = self._steps()
                self._check({f"the loss {name}": value for name, value in recent[-1].items()})
                loss = next(reversed(recent[-1].values()))
                progress(steps, self.duration.steps or round(steps / max(done, 1e-9)), f"loss {loss:.4f}")
                if steps % LOG_EVERY == 0:
                    self.log.losses.append(self._at() | _means(recent))
                    recent.clear()
                now = time.perf_counter()
                if now - shown > PAGE_EVERY:
                    self._show()
                    shown = time.perf_counter()
                if now - saved > SAVE_EVERY:
                    self._save()
                    saved = time.perf_counter()
        self._show()
        self._save()

    def _step(self, done: float, batches: Iterator[Batch]) -> dict[str, float]:
        """Do the next step, with the share `done` of the training complete; returns its losses, the total last."""
        if self.sync is None:
            return self.trainer.step(next(batches), done)
        if done < SYNC_SHARE and not self.trainer.steps:
            return {"syncnet": self.sync.step()}
        if self.trainer.loss.sync is None:
            self.trainer.loss.sync = SyncLoss(self.sync.network)
        return self.trainer.step(next(batches), max((done - SYNC_SHARE) / (1 - SYNC_SHARE), 0.0))

    def _check(self, losses: dict[str, float]) -> None:
        """Raise ModelError for a loss that is not finite; the state saved before it stays."""
        if bad := [name for name, value in losses.items() if not isfinite(value)]:
            raise ModelError(
                f"{self.output}: {bad[0]} is no finite number after {self._steps()} steps, and what was saved before"
                " stays; train with a lower rate or other losses, from another start"
            )

    def _steps(self) -> int:
        """The number of steps of both trainers."""
        return self.trainer.steps + (self.sync.steps if self.sync else 0)

    def _batches(self) -> Iterator[Batch]:
        for step in count(self.trainer.steps):
            yield self.trainer.batch(step)

    def _elapsed(self) -> float:
        return self.seconds + time.perf_counter() - self.started

    def _at(self) -> dict[str, float]:
        return {"steps": self._steps(), "minutes": self._elapsed() / 60}

    def _save(self) -> None:
        self._check({name: value.double().sum().item() for name, value in self.trainer.mean.items()})
        with complete_file(self.output / STATE) as temporary:
            state = {"trainer": self.trainer.state_dict(), "seconds": self._elapsed(), **vars(self.log)}
            if self.sync:
                state["sync"] = self.sync.state_dict()
            save_pickled(state, temporary)

    def _show(self) -> None:
        """Write the present checkpoint and the page."""
        self._check({name: value.double().sum().item() for name, value in self.trainer.mean.items()})
        tensors = {name: value.cpu() for name, value in self.trainer.mean.items()}
        for name in CHECKPOINTS:
            write_tensors(self.output / name, tensors)
        scores, strips = score_held_out(tensors, self.trainer)
        self.log.scores.append(self._at() | scores)
        write_page(self.output / PAGE, self.log, strips, self.trainer.recipe, self.trainer.data.about_held_out)


def _means(entries: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each value over the entries that have it."""
    names = dict.fromkeys(name for entry in entries for name in entry)
    return {name: float(np.mean([entry[name] for entry in entries if name in entry])) for name in names}


def begin(output: Path, settings: dict[str, Any], resume: bool) -> dict[str, Any] | None:
    """Create the run's folder, or check that its settings are the same; returns the saved state, if any."""
    path = output / SETTINGS
    if path.exists():
        if not resume:
            raise OutputError(f"{output}: holds a training; resume it, or choose another folder")
        try:
            before = read_json(path)
            changed = [name for name in settings if settings[name] != before.get(name)]
        except (OSError, ValueError, AttributeError) as error:
            raise damaged(path) from error
        if changed:
            raise OptionError(
                f"{output}: the training there was begun with other settings ({', '.join(changed)});"
                " give the same ones, or choose another folder"
            )
    else:
        for name in (*CHECKPOINTS, STATE, FACES, PAGE):
            if (output / name).exists():
                raise OutputError(
                    f"{output / name}: exists and is of no training; move it away or choose another folder"
                )
        with complete_file(path) as temporary:
            temporary.write_text(json.dumps(settings, indent=2) + "\n")
    return read_state(output / STATE)
