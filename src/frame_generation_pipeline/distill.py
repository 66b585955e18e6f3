"""Distil a large generator into a small one that paints the same faces, in one call."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.errors import MissingFileError, OptionError, OutputError
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.files.output import keep_inputs, prepare_folder
from frame_generation_pipeline.files.partial import alone
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.build import build_programs
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.pack import PackReport, pack_avatar
from frame_generation_pipeline.making.package_writer import SUFFIX
from frame_generation_pipeline.making.torch_backend import choose_device
from frame_generation_pipeline.making.unpack import unpack_template
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import program_path
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.template.prepared import AUDIO, features_name
from frame_generation_pipeline.template.template import PARSING, Template
from frame_generation_pipeline.train.distillation import DistillationSet, begin_student
from frame_generation_pipeline.train.losses import GeneratorLoss
from frame_generation_pipeline.train.memory import keep_freed_memory
from frame_generation_pipeline.train.recipe import DISTILLING, Recipe
from frame_generation_pipeline.train.run import CHECKPOINTS, FACES, PAGE, Duration, TrainingRun, begin
from frame_generation_pipeline.train.scores import score_held_out
from frame_generation_pipeline.train.trainer import Trainer
from frame_generation_pipeline.weights import SPEECH

HELD_OUT = 4.0  # seconds at the end of the speech that are not used in training
FEATURES = (".npy", ".bin")
AN_HOUR = Duration(minutes=60.0)
SCORED = 100  # frames at most for the final scores

Stage = Callable[[str, str], AbstractContextManager[Update]]  # (label, unit) of a stage -> its progress, as a context


@dataclass(frozen=True)
class Teacher:
    """The generator to learn from, with its template and audio encoder."""

    generator: ProgramGenerator
    digest: str  # of the file it was read from
    template: Template
    encoder: Path | None  # of its audio features; None: the built-in one, if there is one
    name: str | None = None
    licence: str = ""
    credits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Distillation:
    """A new avatar with a smaller generator, and its scores."""

    packed: PackReport
    scores: dict[str, float]  # PSNR in dB against the teacher, on held-out speech
    page: Path


def distill(
    output: str | Path,
    *,
    avatar: str | Path | None = None,
    checkpoint: str | Path | None = None,
    template: str | Path | None = None,
    encoder: str | Path | None = None,
    mode: str | None = None,
    speech: str | Path | None = None,
    network: str = "mobile",
    duration: Duration = AN_HOUR,
    recipe: Recipe | None = None,
    batch: int | None = None,
    held_out: float = HELD_OUT,
    device: str = "auto",
    seed: int = 0,
    label: Label = Label(),
    stage: Stage = lambda label, unit: nullcontext(lambda done, total, note="": None),
) -> Distillation:
    """Create the avatar package `output`, a `.avatar` file, whose small generator paints what a large one paints.

    avatar: the package with the large generator, its template and encoder; or checkpoint, mode, template and encoder,
    as for `pack_avatar`. speech: a folder of audio or feature files to learn from, in addition to the template's own
    features and, with an audio encoder, the built-in sample; audio needs an encoder.
    network: the small one, of `spec.NETWORKS`; it begins from the presenter's weights if there are any.
    recipe: by default `recipe.DISTILLING`. batch: samples a step, by default the recipe's.
    held_out: seconds at the end of the last speech not used in training.
    device: of the small one, see `choose_device`; the large one runs on the CPU, in threads of its own.
    label: of the package; fields that it leaves out are taken from the avatar.
    stage: as in `create`.

    The training is in `{output}.work`, with its page. The same call resumes an interrupted run.

    Raises OptionError for options that exclude each other, MissingFileError also without any speech, and the errors of
    reading the inputs, of the training and of `pack_avatar`.
    """
    output = Path(output)
    if output.suffix != SUFFIX:
        raise OutputError(f"{output}: an avatar is made as one file; end its name with {SUFFIX}")
    label.of(output)  # raises now for a bad label
    keep_inputs(output, avatar, checkpoint, encoder, template, speech)
    keep_freed_memory()
    work = output.with_name(output.name + ".work")
    if avatar is not None and (checkpoint, template, encoder, mode) == (None,) * 4:
        teacher = _packaged(Path(avatar), work)
    elif avatar is None and checkpoint is not None and template is not None:
        teacher = _trained(checkpoint, template, encoder, mode)
    else:
        raise OptionError("the generator to learn from is an avatar's, or a checkpoint's with its template; give one")
    spec = teacher.generator.spec
    speeches = _speeches(teacher, None if speech is None else Path(speech))
    student, device = begin_student(network, spec.audio, seed), choose_device(device)
    run = work / "run"
    prepare_folder(run)
    recipe = (recipe or DISTILLING).changed({"batch": batch})
    settings = {
        "teacher": teacher.digest,
        "template": teacher.template.fingerprint(),
        "speech": hashlib.sha256(b"".join(features.values.tobytes() for features in speeches)).hexdigest(),
        "generator": student.spec.name,
        "recipe": asdict(recipe),
        "held_out": held_out,
        "seed": seed,
    }
    with alone(run, run):
        state = begin(run, settings, resume=True)
        with stage("Cutting", "faces") as progress:
            data = DistillationSet.build(
                teacher.template,
                teacher.generator,
                student.spec.face,
                speeches,
                held_out,
                run / FACES,
                progress=progress,
            )
        trainer = Trainer(student, data, recipe, GeneratorLoss.of(recipe), device=device, seed=seed)
        training = TrainingRun(trainer, None, run, duration)
        if state is not None:
            training.restore(state)
        with stage("Distilling", "steps") as progress:
            training.work(progress)
        mean = {key: value.cpu() for key, value in trainer.mean.items()}
        scores, _ = score_held_out(mean, trainer, min(SCORED, len(data.held_out_windows)))
    with stage("Packing", "frames") as progress:
        packed = pack_avatar(
            output,
            checkpoint=run / CHECKPOINTS[0],
            template=teacher.template.folder,
            encoder=teacher.encoder,
            mode=spec.audio.name,
            label=Label(label.name or teacher.name, label.licence or teacher.licence, label.credits or teacher.credits),
            progress=progress,
        )
    return Distillation(packed, scores, run / PAGE)


def _packaged(path: Path, work: Path) -> Teacher:
    """The generator of an avatar; its template and audio program are unpacked into `work`."""
    package = open_package(path)
    manifest = package.manifest
    generator, audio = load_programs(package)
    template, encoder = unpack_template(package, work / "template"), None
    if audio is not None:
        encoder = work / "audio.onnx"
        encoder.write_bytes(package.read(program_path("audio")))
    return Teacher(generator, package.fingerprint, template, encoder, manifest.name, manifest.licence, manifest.credits)


def _trained(checkpoint: str | Path, template: str | Path, encoder: str | Path | None, mode: str | None) -> Teacher:
    """The generator of a checkpoint, as programs, because they are faster than PyTorch."""
    recording = Template.open(template, parsing=(Path(template) / PARSING).is_dir())
    programs = build_programs(checkpoint, encoder, mode, recording, "fp32")
    generator = ProgramGenerator(programs.files["face"], programs.files["render"], programs.spec)
    return Teacher(generator, file_digest(checkpoint), recording, None if encoder is None else Path(encoder))


def _speeches(teacher: Teacher, folder: Path | None) -> list[AudioFeatures]:
    """The features of the built-in sample, of the template and of every file in `folder`, sorted by name.

    Without an audio encoder the sample is left out. Raises MissingFileError if there are no features at all,
    OptionError for other audio without an encoder.
    """
    spec = teacher.generator.spec.audio
    if folder is not None and not folder.is_dir():
        raise MissingFileError(f"{folder}: no such folder; give one with audio or feature files")
    given = sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
    own = [teacher.template.folder / name for name in (features_name(spec.name), AUDIO)]
    files = [path for path in own if path.is_file()][:1] + [path for path in given if path.suffix != ".json"]
    encoder = builtin_encoder(spec) if teacher.encoder is None else load_encoder(teacher.encoder)
    if encoder is not None:
        files.insert(0, SPEECH)  # not the last, whose end is held out
    if not files:
        raise MissingFileError(
            f"{teacher.template.folder}: no {features_name(spec.name)} there, and no speech given to learn from; give"
            " a folder with some"
        )
    found = []
    for path in files:
        if path.suffix in FEATURES:
            found.append(AudioFeatures.load(path, spec))
            continue
        if encoder is None:
            raise OptionError(f"{path}: its {spec.name} features are needed; give an encoder, or features themselves")
        found.append(extract_features(decode_audio(path), encoder))
    return found
