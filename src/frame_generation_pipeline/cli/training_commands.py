"""Commands from a recording to a generator, step by step: prepare, train, evaluate."""

from pathlib import Path
from typing import Annotated

import typer

from frame_generation_pipeline.cli.making_options import AvOffset, RecipeOptions
from frame_generation_pipeline.cli.options import (
    AudioTrack,
    Blend,
    BuiltinMode,
    Device,
    Encoder,
    Features,
    Mode,
    MostFrames,
    Network,
    Quiet,
    RecordedAudio,
    Start,
    TemplateDir,
    known_network,
)
from frame_generation_pipeline.cli.printing import print_json, print_table
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.train.recipe import MOST_FRAMES


def prepare(
    recording: Annotated[Path, typer.Argument(help="A video of one person who talks.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the template.")],
    encoder: Annotated[
        Path | None, typer.Option("--encoder", "-e", help="Audio encoder for other features than the built-in ones.")
    ] = None,
    mode: BuiltinMode = None,
    audio: RecordedAudio = None,
    audio_track: AudioTrack = None,
    av_offset: AvOffset = None,
    quiet: Quiet = False,
) -> None:
    """Make a template of a recording: frames, landmarks, audio, features and a report; goes on where it was stopped.

    **Example:** `framegen prepare recording.mp4 -o dataset/may`
    """
    with needing_train_extra(f"{recording}: its report"):
        from frame_generation_pipeline.prepare.prepare import REPORT
        from frame_generation_pipeline.prepare.prepare import prepare as prepare_recording

    with show_progress("Preparing", "frames", quiet=quiet) as progress:
        prepared = prepare_recording(
            recording,
            output,
            encoder=encoder,
            mode=mode,
            audio=audio,
            audio_track=audio_track,
            av_offset=av_offset,
            progress=progress,
        )
    if not quiet:
        typer.echo(f"{output}: {prepared.frames} frames, {prepared.with_face} of {prepared.observed} show a face")
        typer.echo(f"see {output / REPORT}")


def train(
    template: Annotated[Path, typer.Argument(help="Template folder with its features, as `prepare` makes it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the checkpoint and the page.")],
    recipe: RecipeOptions,
    network: Network = "light",
    minutes: Annotated[float | None, typer.Option(help="Train for so long [default: 60].")] = None,
    steps: Annotated[int | None, typer.Option(help="Train so many steps, instead of minutes.")] = None,
    vgg: Annotated[Path | None, typer.Option(help="torchvision's VGG weights for the perceptual loss.")] = None,
    start: Start = None,
    features: Features = None,
    other_voice: Annotated[
        list[Path] | None,
        typer.Option(help="Features of another voice that says the same in the same time; as many as there are."),
    ] = None,
    held_out: Annotated[float, typer.Option(min=0, help="Seconds at the end that are never learned from.")] = 2.0,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    most_frames: MostFrames = MOST_FRAMES,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the training in the folder stopped.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train a generator on a template; stop it at any time and go on with --resume.

    **Example:** `framegen train dataset/may -o runs/may --minutes 60`
    """
    with needing_train_extra(f"{template}: the training"):
        from frame_generation_pipeline.train.run import Duration
        from frame_generation_pipeline.train.run import train as train_generator
    duration = Duration(steps, 60.0 if steps is None and minutes is None else minutes)
    with show_progress("Training", "steps", quiet=quiet) as progress:
        checkpoint = train_generator(
            template,
            output,
            duration,
            network=known_network(network),
            recipe=recipe.value(),
            vgg=vgg,
            start=start,
            features_path=features,
            other_voices=other_voice or (),
            held_out=held_out,
            device=device,
            seed=seed,
            most_frames=most_frames,
            resume=resume,
            progress=progress,
        )
    if not quiet:
        typer.echo(checkpoint)


def evaluate(
    generator: Annotated[Path, typer.Argument(help="Checkpoint, generator as ONNX, or avatar package.")],
    template: TemplateDir,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for evaluation.json and evaluation.html.")],
    features: Features = None,
    encoder: Encoder = None,
    frames: Annotated[str | None, typer.Option(help="Held-out frames, such as 450:500.")] = None,
    held_out: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds at the end [default: what the training held out, else the last tenth]."),
    ] = None,
    mode: Mode = None,
    device: Device = "auto",
    blend: Blend = None,
    phones: Annotated[
        Path | None, typer.Option(help="What is said when, for closed lips: JSON list of [phone, start s, end s].")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure how good a generator is on frames that it has not learned from: figures, and a page with images.

    **Example:** `framegen evaluate runs/may/generator.safetensors --template dataset/may -o evaluation/`
    """
    from frame_generation_pipeline.evaluate.definitions import RECONSTRUCTION, USE
    from frame_generation_pipeline.evaluate.report import PAGE, evaluate_files
    from frame_generation_pipeline.evaluate.table import table

    with show_progress("Evaluating", "frames", quiet=quiet) as progress:
        evaluation, written = evaluate_files(
            generator,
            template,
            output,
            features_path=features,
            encoder_path=encoder,
            frames=frames,
            seconds=held_out,
            mode=mode,
            device=device,
            blend=blend,
            phones_path=phones,
            seed=seed,
            progress=progress,
        )
    if as_json:
        print_json(written)
    elif not quiet:
        for subjects in (RECONSTRUCTION, USE):
            print_table(*table(evaluation, tuple(subjects)))
        typer.echo(output / PAGE)
