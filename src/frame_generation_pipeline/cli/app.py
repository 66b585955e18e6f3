"""The command line `framegen`: every command parses, calls and prints."""

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import cv2
import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from frame_generation_pipeline.audio.gate import AS_PACKAGED, FIXED_GATE, AsPackaged, Gate, SpeechGate
from frame_generation_pipeline.errors import FrameGenerationError, OptionError, library_errors
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.output import keep_inputs
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.making.source import Source
from frame_generation_pipeline.media.codecs import DEFAULT_PRESET
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import FEATHERED, NETWORKS, REFERENCE
from frame_generation_pipeline.template.loop import PINGPONG, Loop
from frame_generation_pipeline.train.recipe import RECIPES
from frame_generation_pipeline.weights import PRESENTER

if TYPE_CHECKING:
    from frame_generation_pipeline.avatar import Avatar

app = typer.Typer(
    name="framegen",
    help="Lip-synced video of a recorded person from any speech.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)

AvatarPath = Annotated[Path | None, typer.Option("--avatar", help="Avatar package: an .avatar file or a folder.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", "-c", help="Generator checkpoint: .pth or .safetensors.")
]
Model = Annotated[Path | None, typer.Option("--model", "-m", help="Generator as ONNX, in place of a checkpoint.")]
TEMPLATE = typer.Option("--template", "-t", help="Folder with full_body_img/, landmarks/ and perhaps parsing/.")
TemplateDir = Annotated[Path, TEMPLATE]
OptionalTemplateDir = Annotated[Path | None, TEMPLATE]
Audio = Annotated[Path | None, typer.Option("--audio", "-a", help="Any sound FFmpeg reads, also a video's.")]
Encoder = Annotated[
    Path | None, typer.Option("--encoder", "-e", help="Audio encoder (.pth or .onnx); whisper features need none.")
]
RecordedAudio = Annotated[
    Path | None,
    typer.Option(
        "--audio", "-a", help="The recording's sound, where it is a file of its own; laid on the video's own."
    ),
]
Features = Annotated[Path | None, typer.Option("--features", "-f", help="Audio features (.npy or .bin), if at hand.")]
Mode = Annotated[str | None, typer.Option(help="ave, hubert, wenet or whisper; recognised when not given.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps; for PyTorch.")]
Provider = Annotated[
    list[str] | None, typer.Option("--provider", help="ONNX Runtime execution provider; may be repeated.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads for ONNX Runtime; all cores when not given.")]
CacheSize = Annotated[int | None, typer.Option(min=0, help="MB for remembered faces [default: from the free memory].")]
CacheFile = Annotated[Path | None, typer.Option(help="File to remember an avatar's faces in between runs.")]
Parsing = Annotated[bool, typer.Option("--parsing", help="Keep the pixels that the parsing pictures mark.")]
StartFrame = Annotated[int, typer.Option(min=0, help="Enter the template so many frames later.")]
StartTime = Annotated[float, typer.Option("--start", min=0, help="Begin at this second of the sound.")]
EndTime = Annotated[float | None, typer.Option("--end", help="End at this second of the sound.")]
Crf = Annotated[int | None, typer.Option(help="Constant rate factor, lower is better [default: 20; webm 32].")]
Preset = Annotated[str, typer.Option(help="Encoder preset, from ultrafast to veryslow.")]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        "--width",
        help="mobile (for phones), light (half the channels, twice as fast) or full (the original's).",
    ),
]
Start = Annotated[Path | None, typer.Option(help="Checkpoint to begin from, instead of from scratch.")]
Licence = Annotated[str, typer.Option(help="Licence of the avatar, such as CC-BY-4.0.")]
Credits = Annotated[list[str] | None, typer.Option("--credit", help="Whom to thank; may be repeated.")]
Loss = Annotated[float | None, typer.Option(min=0, help="Weight of this loss, 0 for off [default: the recipe's].")]
Blend = Annotated[
    str | None,
    typer.Option(help="feathered (no edge to be seen) or reference (the original's numbers) [default: feathered]."),
]
RestInSilence = Annotated[bool, typer.Option("--gate/--no-gate", help="Rest the mouth where nobody speaks.")]
Silence = Annotated[
    float | None, typer.Option(help="dB of full scale below which nobody speaks any more [default: by the sound].")
]
Speech = Annotated[
    float | None, typer.Option(help="dB of full scale above which somebody speaks again [default: by the sound].")
]
Steady = Annotated[bool, typer.Option("--steady", help="Average flicker of the mouth with the neighbouring frames.")]
LoopKind = Annotated[
    str, typer.Option("--loop", help="pingpong (forth and back) or crossfade (dissolve into the beginning).")
]
Range = Annotated[str | None, typer.Option("--range", help="Frames of the template to use, such as 100:400.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only errors.")]


@app.command()
def generate(
    avatar: AvatarPath = None,
    template: OptionalTemplateDir = None,
    checkpoint: Checkpoint = None,
    model: Model = None,
    audio: Audio = None,
    encoder: Encoder = None,
    features: Features = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Video: .mp4, .mov, .mkv or .webm.")] = None,
    frames_dir: Annotated[Path | None, typer.Option(help="Folder for the frames as pictures.")] = None,
    frame_format: Annotated[str, typer.Option(help="png or jpg.")] = "png",
    backend: Annotated[str, typer.Option(help="What runs a checkpoint: torch or onnx.")] = "torch",
    mode: Mode = None,
    device: Device = "auto",
    provider: Provider = None,
    threads: Threads = None,
    cache_size: CacheSize = None,
    cache_file: CacheFile = None,
    parsing: Parsing = False,
    start_frame: StartFrame = 0,
    start: StartTime = 0.0,
    end: EndTime = None,
    blend: Blend = None,
    gate: RestInSilence = True,
    silence_db: Silence = None,
    speech_db: Speech = None,
    steady: Steady = False,
    loop: LoopKind = PINGPONG,
    frames_range: Range = None,
    fps: Annotated[float | None, typer.Option(help="Of the video [default: 25; wenet 20].")] = None,
    crf: Crf = None,
    preset: Preset = DEFAULT_PRESET,
    provenance: Annotated[bool, typer.Option(help="Say in the files' metadata that they are generated.")] = True,
    quiet: Quiet = False,
) -> None:
    """Make a video of an avatar, or of a template's person, saying the audio; interrupted, the same command goes on.

    **Example:** `framegen generate --avatar may.avatar --audio speech.wav -o result.mp4`

    **Example:** `framegen generate --checkpoint 5.pth --encoder audio_visual_encoder.pth --template dataset/May
    --audio speech.wav -o result.mp4`
    """
    if output is None and frames_dir is None:
        raise OptionError("no output; give -o result.mp4, --frames-dir or both")
    person = _person(
        avatar,
        template,
        checkpoint,
        model,
        encoder,
        Source(mode, device, backend, parsing),
        _runtime(provider, threads, cache_size, cache_file),
        _style(blend, gate, silence_db, speech_db, steady, loop, frames_range),
    )
    timing, encoding = Timing(start, end, start_frame, fps), Encoding(crf, preset, frame_format, provenance)
    with show_progress("Generating", "frames", quiet=quiet) as progress:
        if output is not None:
            person.generate_video(
                audio,
                output,
                audio_features_path=features,
                timing=timing,
                encoding=encoding,
                frames_dir=frames_dir,
                progress=progress,
            )
        elif frames_dir is not None:
            person.generate_pictures(
                audio, frames_dir, audio_features_path=features, timing=timing, encoding=encoding, progress=progress
            )
    if not quiet:
        typer.echo(output or frames_dir)


@app.command()
def create(
    recording: Annotated[Path, typer.Argument(help="A video of one person who talks, a minute or more.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The avatar, a file that ends in .avatar.")],
    audio: RecordedAudio = None,
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 60.0,
    network: Network = "light",
    start: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to begin from [default: the built-in one, where it is that network]."),
    ] = None,
    scratch: Annotated[bool, typer.Option("--scratch", help="Begin from nothing.")] = False,
    device: Device = "auto",
    name: Annotated[str | None, typer.Option(help="[default: the output's name]")] = None,
    licence: Licence = "",
    credit: Credits = None,
    quiet: Quiet = False,
) -> None:
    """Make an avatar of a recording: prepare, train, evaluate, pack; stopped, the same command goes on.

    **Example:** `framegen create recording.mp4 -o may.avatar`
    """
    with needing_train_extra(f"{recording}: making an avatar"):
        from frame_generation_pipeline.create import create as create_avatar
    made = create_avatar(
        recording,
        output,
        audio=audio,
        minutes=minutes,
        network=_network(network),
        start=start,
        scratch=scratch,
        device=device,
        name=name,
        licence=licence,
        credits=credit or [],
        stage=partial(show_progress, quiet=quiet),
    )
    if not quiet:
        _print_values(made.packed.describe())
        for page in made.pages:
            typer.echo(f"see {page}")


@app.command()
def prepare(
    recording: Annotated[Path, typer.Argument(help="A video of one person who talks.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the template.")],
    encoder: Annotated[
        Path | None, typer.Option("--encoder", "-e", help="Audio encoder for other features than the built-in ones.")
    ] = None,
    audio: RecordedAudio = None,
    quiet: Quiet = False,
) -> None:
    """Make a template of a recording: frames, landmarks, sound, features and a report; goes on where it was stopped.

    **Example:** `framegen prepare recording.mp4 -o dataset/may`
    """
    with needing_train_extra(f"{recording}: its report"):
        from frame_generation_pipeline.prepare.prepare import REPORT
        from frame_generation_pipeline.prepare.prepare import prepare as prepare_recording

    with show_progress("Preparing", "frames", quiet=quiet) as progress:
        made = prepare_recording(recording, output, encoder=encoder, audio=audio, progress=progress)
    if not quiet:
        typer.echo(f"{output}: {made.frames} frames, {made.with_face} of {made.observed} show a face")
        typer.echo(f"see {output / REPORT}")


@app.command()
def train(
    template: Annotated[Path, typer.Argument(help="Template folder with its features, as `prepare` makes it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the checkpoint and the page.")],
    network: Network = "light",
    minutes: Annotated[float | None, typer.Option(help="Train for so long [default: 60].")] = None,
    steps: Annotated[int | None, typer.Option(help="Train so many steps, instead of minutes.")] = None,
    recipe: Annotated[
        str, typer.Option(help="default; following, from a start that knows voices; original, SyncTalk_2D's own.")
    ] = "default",
    l1: Loss = None,
    mouth: Loss = None,
    perceptual: Loss = None,
    temporal: Loss = None,
    sync: Loss = None,
    audio_rate: Annotated[
        float | None,
        typer.Option(min=0, help="The audio model's share of the learning rate, 0 to keep it [default: the recipe's]."),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(min=0, help="On audio features, in their standard deviations [default: the recipe's]."),
    ] = None,
    matched: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the samples whose reference image shows the head as it stands [default: the recipe's].",
        ),
    ] = None,
    coarse: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the training with faces at half the size [default: the recipe's]."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Samples a step; more keep a GPU busy [default: the recipe's]."),
    ] = None,
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
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the training in the folder stopped.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train a generator on a template; stop it at any time and go on with --resume.

    **Example:** `framegen train dataset/may -o runs/may --minutes 60`
    """
    with needing_train_extra(f"{template}: the training"):
        from frame_generation_pipeline.train.run import Duration
        from frame_generation_pipeline.train.run import train as train_generator
    if recipe not in RECIPES:
        raise OptionError(f"recipe {recipe!r} is unknown; expected one of {', '.join(RECIPES)}")
    weights = {"l1": l1, "mouth": mouth, "perceptual": perceptual, "temporal": temporal, "sync": sync}
    steps_made = {"audio_rate": audio_rate, "noise": noise, "matched": matched, "coarse": coarse, "batch": batch}
    chosen = RECIPES[recipe].changed(weights | steps_made)
    duration = Duration(steps, 60.0 if steps is None and minutes is None else minutes)
    with show_progress("Training", "steps", quiet=quiet) as progress:
        checkpoint = train_generator(
            template,
            output,
            duration,
            network=_network(network),
            recipe=chosen,
            vgg=vgg,
            start=start,
            features_path=features,
            other_voices=other_voice or (),
            held_out=held_out,
            device=device,
            seed=seed,
            resume=resume,
            progress=progress,
        )
    if not quiet:
        typer.echo(checkpoint)


@app.command()
def pack(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", "-c", help="Generator checkpoint: .pth or .safetensors.")],
    template: TemplateDir,
    output: Annotated[Path, typer.Option("--output", "-o", help="may.avatar for one file, otherwise a folder.")],
    encoder: Encoder = None,
    mode: Mode = None,
    name: Annotated[str | None, typer.Option(help="[default: the output's name]")] = None,
    licence: Licence = "",
    credit: Credits = None,
    frame_format: Annotated[
        str | None, typer.Option(help="jpg or png [default: the template's files as they are]")
    ] = None,
    quality: Annotated[int, typer.Option(help="Of frames that are encoded as jpg, 0 to 100.")] = 95,
    precision: Annotated[str, typer.Option(help="fp32, or fp16 for weights of half the size.")] = "fp32",
    parsing: Annotated[
        bool | None, typer.Option(help="Take the parsing pictures along [default: when there are any].")
    ] = None,
    blend: Annotated[str, typer.Option(help="feathered or reference; what players of the avatar take.")] = FEATHERED,
    quiet: Quiet = False,
) -> None:
    """Make one avatar package of a checkpoint, a template and an audio encoder.

    **Example:** `framegen pack --checkpoint 5.pth --template dataset/May --encoder audio_visual_encoder.pth
    -o may.avatar`
    """
    from frame_generation_pipeline.making.pack import pack_avatar

    with show_progress("Packing", "frames", quiet=quiet) as progress:
        report = pack_avatar(
            output,
            checkpoint=checkpoint,
            template=template,
            encoder=encoder,
            mode=mode,
            name=name,
            licence=licence,
            credits=credit or [],
            frame_format=frame_format,
            quality=quality,
            precision=precision,
            parsing=parsing,
            blend=blend,
            progress=progress,
        )
    if not quiet:
        _print_values(report.describe())


@app.command()
def verify(
    avatar: Annotated[Path, typer.Argument(help="Avatar package: an .avatar file or a folder.")],
    quiet: Quiet = False,
) -> None:
    """Check everything in an avatar package: every hash, every picture, every program.

    **Example:** `framegen verify may.avatar`
    """
    from frame_generation_pipeline.package.verify import verify_package

    with show_progress("Checking", "frames", quiet=quiet) as progress:
        held = verify_package(avatar, progress=progress)
    if not quiet:
        typer.echo("\n".join(f"good: {line}" for line in held))


@app.command()
def features(
    audio: Annotated[Path, typer.Argument(help="Any sound FFmpeg reads, also a video's.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Feature file: .npy or .bin.")],
    encoder: Encoder = None,
    mode: Annotated[str | None, typer.Option(help="[default: the encoder's, or whisper]")] = None,
    quiet: Quiet = False,
) -> None:
    """Compute audio features, one a video frame.

    **Example:** `framegen features speech.wav -o aud_whisper.npy`

    **Example:** `framegen features speech.wav --encoder audio_visual_encoder.pth -o aud_ave.npy`
    """
    from frame_generation_pipeline.audio.stream import extract_features
    from frame_generation_pipeline.making.encoder import open_encoder
    from frame_generation_pipeline.media.audio_reader import decode_audio

    found = extract_features(decode_audio(audio), open_encoder(encoder, mode))
    found.save(output)
    if not quiet:
        typer.echo(f"{output}: {len(found)} {found.spec.name} features")


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", "-c", help="Generator or audio encoder checkpoint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file.")],
    template: Annotated[Path | None, typer.Option("--template", "-t", help="Also compare on this template.")] = None,
    features: Annotated[Path | None, typer.Option("--features", "-f", help="... with these features.")] = None,
    mode: Mode = None,
    opset: Annotated[int, typer.Option(min=17, help="ONNX operator set.")] = 17,
    quiet: Quiet = False,
) -> None:
    """Export a checkpoint to ONNX and compare the two; nothing is written where they differ by more than 1e-4.

    **Example:** `framegen export --checkpoint 5.pth -o unet_328.onnx`
    """
    from frame_generation_pipeline.making.export import export_checkpoint

    exported = export_checkpoint(checkpoint, output, mode=mode, opset=opset, template=template, features=features)
    if not quiet:
        typer.echo(f"{output}: {exported}")


@app.command()
def reference(
    template: TemplateDir,
    features: Annotated[Path, typer.Option("--features", "-f", help="Audio features (.npy or .bin).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the reference outputs.")],
    checkpoint: Checkpoint = None,
    model: Model = None,
    samples: Annotated[int, typer.Option(min=1, help="How many frames, evenly spread.")] = 5,
    mode: Mode = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write sample frames with what led to them, for other implementations to compare with.

    **Example:** `framegen reference --checkpoint 5.pth --template dataset/May --features aud_ave.npy -o reference/`
    """
    from frame_generation_pipeline.pipeline import FrameGenerationPipeline

    pipeline = FrameGenerationPipeline(checkpoint, mode, device, model_path=model)
    metadata = pipeline.generate_reference_outputs(features, template, output, samples)
    if not quiet:
        typer.echo(f"{output}: frames {', '.join(map(str, metadata['sample_indices']))}")


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="Video or folder of frames: the reference.")],
    b: Annotated[Path, typer.Argument(help="Video or folder of frames to compare with it.")],
    min_psnr: Annotated[float, typer.Option(help="Fail below this overall PSNR, in dB.")] = 40.0,
    min_ssim: Annotated[float, typer.Option(help="Fail below this mean SSIM.")] = 0.95,
    samples: Annotated[bool, typer.Option("--samples", help="A holds only some of B's frames.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write the worst frame side by side to this .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every frame's figures as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare two videos or folders frame by frame: MSE, PSNR, SSIM; exit status 1 below the limits.

    **Example:** `framegen compare expected.mp4 result.mp4 --picture worst.png`

    **Example:** `framegen compare reference/ frames/ --samples`, where `framegen reference` wrote the first
    """
    from frame_generation_pipeline.evaluate.compare import compare as compare_frames
    from frame_generation_pipeline.evaluate.compare import worst_frame_picture
    from frame_generation_pipeline.media.video_reader import write_image

    if picture is not None:
        keep_inputs(picture, a, b)
    result = compare_frames(a, b, samples=samples)
    passed = result.psnr >= min_psnr and result.ssim >= min_ssim
    if picture is not None:
        write_image(picture, worst_frame_picture(a, b, result.worst, samples=samples))
    if as_json:
        typer.echo(json.dumps(result.to_json() | {"passed": passed}, indent=2, allow_nan=False))
    elif not quiet:
        table = Table("frame", "MSE", "PSNR dB", "SSIM")
        for score in result.frames:
            mark = " (worst)" if score.index == result.worst else ""
            table.add_row(f"{score.index}{mark}", f"{score.mse:.3f}", f"{score.psnr:.2f}", f"{score.ssim:.4f}")
        table.add_section()
        table.add_row("overall", f"{result.mse:.3f}", f"{result.psnr:.2f}", f"{result.ssim:.4f}")
        Console().print(table)
        typer.echo("agree" if passed else f"differ: below {min_psnr:g} dB or SSIM {min_ssim:g}")
    if not passed:
        raise typer.Exit(1)


@app.command()
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
    """Measure how good a generator is on frames that it has not learned from: figures, and a page with pictures.

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
        typer.echo(json.dumps(written, indent=2, allow_nan=False))
    elif not quiet:
        for subjects in (RECONSTRUCTION, USE):
            headers, rows = table(evaluation, tuple(subjects))
            shown = Table(*headers)
            for row in rows:
                shown.add_row(*row)
            Console().print(shown)
        typer.echo(output / PAGE)


@app.command()
def inspect(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pictures.")],
    avatar: AvatarPath = None,
    template: OptionalTemplateDir = None,
    checkpoint: Checkpoint = None,
    model: Model = None,
    audio: Audio = None,
    encoder: Encoder = None,
    features: Features = None,
    frame: Annotated[
        int | None, typer.Option(min=0, help="Frame to explain [default: where the lips are widest open].")
    ] = None,
    start: StartTime = 0.0,
    end: Annotated[float | None, typer.Option("--end", help="End at this second [default: 10 s later].")] = None,
    mode: Mode = None,
    parsing: Parsing = False,
    blend: Blend = None,
    gate: RestInSilence = True,
    silence_db: Silence = None,
    speech_db: Speech = None,
    steady: Steady = False,
    loop: LoopKind = PINGPONG,
    frames_range: Range = None,
    quiet: Quiet = False,
) -> None:
    """Draw what explains a result: box and mask, network input and output, difference, the lips under the sound.

    **Example:** `framegen inspect --avatar may.avatar --audio speech.wav -o explained/`
    """
    from frame_generation_pipeline.cli.inspection import inspect_speech

    person = _person(
        avatar,
        template,
        checkpoint,
        model,
        encoder,
        Source(mode, backend="torch" if checkpoint is None else "onnx", parsing=parsing),
        Runtime(),
        _style(blend, gate, silence_db, speech_db, steady, loop, frames_range),
    )
    with show_progress("Inspecting", "frames", quiet=quiet) as progress:
        written = inspect_speech(
            person,
            output,
            audio_path=audio,
            audio_features_path=features,
            timing=Timing(start, end),
            frame=frame,
            progress=progress,
        )
    if not quiet:
        for path in written:
            typer.echo(path)


@app.command()
def info(
    path: Annotated[
        Path, typer.Argument(help="Avatar, checkpoint, ONNX file, template, features, sound, video or picture.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what an avatar, checkpoint, ONNX file, template, feature or audio file is, and whether a video is generated.

    **Example:** `framegen info checkpoint/May/5.pth`
    """
    from frame_generation_pipeline.cli.info import describe

    described = describe(path)
    if as_json:
        typer.echo(json.dumps(described, indent=2))
    else:
        _print_values(described)


@app.command()
def benchmark(
    avatar: AvatarPath = None,
    template: OptionalTemplateDir = None,
    checkpoint: Checkpoint = None,
    model: Model = None,
    audio: Audio = None,
    encoder: Encoder = None,
    features: Features = None,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each backend; medians are shown.")] = 3,
    mode: Mode = None,
    threads: Threads = None,
    cache_size: CacheSize = None,
    parsing: Parsing = False,
    end: EndTime = None,
    crf: Crf = None,
    preset: Preset = DEFAULT_PRESET,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure every backend on given inputs, from template decoding to the written mp4.

    A checkpoint is run by PyTorch, as one ONNX graph and by the engine; an avatar by the engine, on faces that it sees
    for the first time and on faces that it has kept.

    **Example:** `framegen benchmark --checkpoint 5.pth --template dataset/May --features aud_ave.npy`
    """
    from frame_generation_pipeline.cli.benchmark import TORCH, Inputs, benchmark_backends

    results = benchmark_backends(
        Inputs(
            avatar=avatar,
            checkpoint=checkpoint,
            model=model,
            template=template,
            encoder=encoder,
            audio=audio,
            features=features,
            source=Source(mode, parsing=parsing),
            runtime=_runtime(None, threads, cache_size, None),
            timing=Timing(end=end),
            encoding=Encoding(crf, preset),
        ),
        runs=runs,
    )
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
        return
    speed = Table("backend", "fps", f"ratio to {TORCH}", "first frame, s", "peak memory, MB")
    stages = Table("ms a frame", *results[0].stages)
    for result in results:
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        memory = f"{result.peak_memory / 1e6:.0f}"
        speed.add_row(result.backend, f"{result.fps:.2f}", ratio, f"{result.first_frame:.2f}", memory)
        stages.add_row(result.backend, *(f"{milliseconds:.1f}" for milliseconds in result.stages.values()))
    Console().print(speed, stages)


def _person(
    avatar: Path | None,
    template: Path | None,
    checkpoint: Path | None,
    model: Path | None,
    encoder: Path | None,
    source: Source,
    runtime: Runtime,
    style: Style,
) -> "Avatar":
    """The avatar that options name: a package, or a template with a generator and an encoder.

    Raises OptionError for options that have no effect on it.
    """
    from frame_generation_pipeline.avatar import Avatar
    from frame_generation_pipeline.pipeline import FrameGenerationPipeline

    own = (template, checkpoint, model, encoder)
    if avatar is not None and any(path is not None for path in own):
        raise OptionError("an avatar has its own template, generator and encoder; leave those options out")
    if template is None:
        if any(path is not None for path in own):
            raise OptionError("nobody to speak; a checkpoint, model or encoder needs the --template of a person")
        if source != Source():
            raise OptionError(
                "--mode, --device, --backend and --parsing are for checkpoints, not for avatars; leave them out"
            )
        return Avatar.load(PRESENTER if avatar is None else avatar, style=style, runtime=runtime)
    if runtime.cache_size is not None or runtime.cache_file is not None:
        raise OptionError("faces are remembered of avatars alone; leave --cache-size and --cache-file out, or pack one")
    if checkpoint is not None and source.backend == "torch":
        if runtime.providers is not None or runtime.threads is not None:
            raise OptionError("--provider and --threads are for ONNX Runtime; add --backend onnx, or leave them out")
    elif source.device != "auto":
        raise OptionError("--device is for PyTorch, which does not run here; leave it out, or choose a --provider")
    if model is not None and source.backend != "torch":
        raise OptionError("--backend is for checkpoints; an ONNX model is run by ONNX Runtime, leave it out")
    pipeline = FrameGenerationPipeline(
        checkpoint,
        source.mode,
        source.device,
        model_path=model,
        encoder_path=encoder,
        backend=source.backend,
        providers=runtime.providers,
        threads=runtime.threads,
        style=replace(style, blend=style.blend or FEATHERED),
    )
    return pipeline.avatar(template, use_parsing=source.parsing)


def _runtime(
    providers: list[str] | None, threads: int | None, cache_size: int | None, cache_file: Path | None
) -> Runtime:
    """cache_size: MB."""
    return Runtime(
        tuple(providers) if providers else None, threads, None if cache_size is None else cache_size * 2**20, cache_file
    )


def _style(
    blend: str | None,
    gate: bool,
    silence: float | None,
    speech: float | None,
    steady: bool,
    loop: str,
    frames: str | None,
) -> Style:
    chosen: SpeechGate | AsPackaged | None = AS_PACKAGED if gate else None
    if silence is not None or speech is not None:
        if not gate:
            raise OptionError("--silence-db and --speech-db set the gate that --no-gate turns off; leave one out")
        if blend == REFERENCE:
            raise OptionError("blend reference, the original's, knows no gate; leave --silence-db and --speech-db out")
        chosen = Gate(
            FIXED_GATE.silence if silence is None else silence, FIXED_GATE.speech if speech is None else speech
        )
    return Style(blend, chosen, steady, Loop.of(loop, frames))


def _network(name: str) -> str:
    if name not in NETWORKS:
        raise OptionError(f"network {name!r} is unknown; expected one of {', '.join(NETWORKS)}")
    return name


def _print_values(values: Mapping[str, Any]) -> None:
    """One line for each value; what files say of themselves can neither forge lines nor steer a terminal."""
    shown = {_printable(str(name)): _printable(str(value)) for name, value in values.items()}
    width = max(map(len, shown))
    for name, value in shown.items():
        typer.echo(f"{name:<{width}}  {value}")


def _printable(text: str) -> str:
    """`text` in one line, with control characters and the like escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def main() -> NoReturn:
    """Run the command line: bad input gives one line and exit status 2, Ctrl-C 130."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=Console(stderr=True), show_time=False, show_path=False)],
    )
    cv2.setNumThreads(min(cv2.getNumThreads(), available_cores()))
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what matters is raised, in our words
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with _without_remarks(), library_errors("the work ended"):
            app()
    except FrameGenerationError as error:
        line = "; ".join([str(error), *getattr(error, "__notes__", [])])
        typer.echo("framegen: " + _printable(line), err=True)
        sys.exit(2)
    sys.exit(0)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep off standard error what libraries in C write there by themselves: what matters of it is raised."""
    if sys.__stderr__ is None:  # it is closed
        yield
        return
    ours, kept = sys.stderr, os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere, os.fdopen(kept, "w", buffering=1, closefd=False) as again:
            if ours is sys.__stderr__:
                sys.stderr = again
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        sys.stderr = ours


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End as an exception, so that nothing half-written stays behind."""
    sys.exit(128 + number)
