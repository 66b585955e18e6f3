"""Create an avatar from a recording in one call: prepare, train, evaluate, pack."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from frame_generation_pipeline.audio.encoder import builtin_file
from frame_generation_pipeline.errors import OptionError, OutputError, library_errors
from frame_generation_pipeline.evaluate.evaluation import Evaluation
from frame_generation_pipeline.evaluate.report import PAGE as EVALUATION_PAGE
from frame_generation_pipeline.evaluate.report import evaluate_files
from frame_generation_pipeline.files.output import prepare_folder
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.making.encoder import usual_audio
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.pack import PackReport, pack_avatar
from frame_generation_pipeline.making.package_writer import SUFFIX
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.prepare.prepare import REPORT, Preparation, prepare
from frame_generation_pipeline.spec import NETWORKS
from frame_generation_pipeline.train.dataset import stored_bytes
from frame_generation_pipeline.train.recipe import DEFAULT, FOLLOWING, MOST_FRAMES, Recipe
from frame_generation_pipeline.train.run import PAGE as TRAINING_PAGE
from frame_generation_pipeline.train.run import Duration, train
from frame_generation_pipeline.weights import STARTS

Stage = Callable[[str, str], AbstractContextManager[Update]]  # (label, unit) of a stage -> its progress, as a context


@dataclass(frozen=True)
class Creation:
    """A new avatar with its evaluation and pages."""

    preparation: Preparation
    evaluation: Evaluation
    packed: PackReport
    pages: tuple[Path, ...]  # on the recording, the training and the evaluation


@library_errors("the avatar could not be made")
def create(
    recording: str | Path,
    output: str | Path,
    *,
    audio: str | Path | None = None,
    audio_track: int | None = None,
    av_offset: int | None = None,
    minutes: float = 60.0,
    network: str = "mobile",
    recipe: Recipe | None = None,
    batch: int | None = None,
    start: str | Path | None = None,
    scratch: bool = False,
    device: str = "auto",
    most_frames: int = MOST_FRAMES,
    label: Label = Label(),
    stage: Stage = lambda label, unit: nullcontext(lambda done, total, note="": None),
) -> Creation:
    """Create the avatar package `output`, a `.avatar` file, from a video of one person who talks.

    audio, audio_track, av_offset: see `prepare`. minutes, network, device, most_frames: of the training, see `train`.
    start: the checkpoint to begin from, for features whose encoder is built in; by default the built-in one of that
    network, if there is one. scratch: begin with random weights.
    recipe: by default `recipe.FOLLOWING` after a built-in checkpoint, otherwise `recipe.DEFAULT`. batch: samples a
    step, by default the recipe's.
    label: of the package.
    stage: called with the label and unit of each stage; gives the context in which it runs and its progress callback.

    The template, the training and the evaluation are in `{output}.work`, each with its page. The same call resumes an
    interrupted run, and with more `minutes` it trains longer. The free disk space is checked before the work begins.

    Raises the errors of `prepare`, `train`, `evaluate_files` and `pack_avatar`; LibraryError.
    """
    output = Path(output)
    if output.suffix != SUFFIX:
        raise OutputError(f"{output}: an avatar is made as one file; end its name with {SUFFIX}")
    label = label.of(output)
    if start is not None and scratch:
        raise OptionError(f"{start}: a training begins from a checkpoint or from scratch; choose one of them")
    if start is None and not scratch and network in STARTS:
        start, recipe = STARTS[network], recipe or FOLLOWING
    recipe = (recipe or DEFAULT).changed({"batch": batch})

    features = usual_audio() if start is None else load_network(start).spec.audio
    if builtin_file(features) is None:
        raise OptionError(
            f"{start}: is for {features.name} features, whose encoder does not come with this program; run prepare with"
            " --encoder, train with --start, and pack"
        )

    def further(frames: int, size: int) -> int:
        """The bytes of the training's stored faces and of the package."""
        return stored_bytes(min(frames, most_frames), NETWORKS[network][0], recipe) + frames * size

    work = output.with_name(output.name + ".work")
    prepare_folder(work)
    with stage("Preparing", "frames") as progress:
        preparation = prepare(
            recording,
            work / "template",
            mode=features.name,
            audio=audio,
            audio_track=audio_track,
            av_offset=av_offset,
            further=further,
            progress=progress,
        )
    with stage("Training", "steps") as progress:
        checkpoint = train(
            preparation.folder,
            work / "run",
            Duration(minutes=minutes),
            network=network,
            recipe=recipe,
            start=start,
            device=device,
            most_frames=most_frames,
            resume=True,
            progress=progress,
        )
    with stage("Evaluating", "frames") as progress:
        evaluation, _ = evaluate_files(
            checkpoint, preparation.folder, work / "evaluation", device=device, progress=progress
        )
    with stage("Packing", "frames") as progress:
        packed = pack_avatar(
            output,
            checkpoint=checkpoint,
            template=preparation.folder,
            label=label,
            progress=progress,
        )
    pages = (preparation.folder / REPORT, work / "run" / TRAINING_PAGE, work / "evaluation" / EVALUATION_PAGE)
    return Creation(preparation, evaluation, packed, pages)
