"""Commands that make, check and explain files: pack, verify, features, export, reference, compare, info."""

from pathlib import Path
from typing import Annotated

import typer

from frame_generation_pipeline.cli.making_options import LabelOptions
from frame_generation_pipeline.cli.options import (
    AudioTrack,
    BuiltinMode,
    Checkpoint,
    Device,
    Encoder,
    Mode,
    Model,
    Quiet,
    TemplateDir,
)
from frame_generation_pipeline.cli.printing import print_json, print_table, print_values
from frame_generation_pipeline.files.output import keep_inputs
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.spec import FEATHERED


def pack(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", "-c", help="Generator checkpoint: .pth or .safetensors.")],
    template: TemplateDir,
    output: Annotated[Path, typer.Option("--output", "-o", help="may.avatar for one file, otherwise a folder.")],
    label: LabelOptions,
    encoder: Encoder = None,
    mode: Mode = None,
    frame_format: Annotated[
        str | None, typer.Option(help="jpg or png [default: the template's files as they are]")
    ] = None,
    quality: Annotated[int, typer.Option(help="Of frames that are encoded as jpg, 0 to 100.")] = 95,
    precision: Annotated[str, typer.Option(help="fp32, or fp16 for weights of half the size.")] = "fp32",
    parsing: Annotated[
        bool | None, typer.Option(help="Take the parsing images along [default: when there are any].")
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
            label=label.value(),
            frame_format=frame_format,
            quality=quality,
            precision=precision,
            parsing=parsing,
            blend=blend,
            progress=progress,
        )
    if not quiet:
        print_values(report.describe())


def verify(
    avatar: Annotated[Path, typer.Argument(help="Avatar package: an .avatar file or a folder.")],
    quiet: Quiet = False,
) -> None:
    """Check everything in an avatar package: every hash, every image, every program.

    **Example:** `framegen verify may.avatar`
    """
    from frame_generation_pipeline.package.verify import verify_package

    with show_progress("Checking", "frames", quiet=quiet) as progress:
        held = verify_package(avatar, progress=progress)
    if not quiet:
        typer.echo("\n".join(f"good: {line}" for line in held))


def features(
    audio: Annotated[Path, typer.Argument(help="Any audio FFmpeg reads, also a video's.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Feature file: .npy or .bin.")],
    encoder: Encoder = None,
    audio_track: AudioTrack = None,
    mode: BuiltinMode = None,
    quiet: Quiet = False,
) -> None:
    """Compute audio features, one a video frame.

    **Example:** `framegen features speech.wav --mode whisper -o aud_whisper.npy`

    **Example:** `framegen features speech.wav --encoder audio_visual_encoder.pth -o aud_ave.npy`
    """
    from frame_generation_pipeline.audio.stream import extract_features
    from frame_generation_pipeline.making.encoder import open_encoder
    from frame_generation_pipeline.media.audio_reader import decode_audio

    keep_inputs(output, audio, encoder)
    values = extract_features(decode_audio(audio, track=audio_track), open_encoder(encoder, mode))
    values.save(output)
    if not quiet:
        typer.echo(f"{output}: {len(values)} {values.spec.name} features")


def export(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", "-c", help="Generator or audio encoder checkpoint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file; of --coreml a folder.")],
    template: Annotated[Path | None, typer.Option("--template", "-t", help="Also compare on this template.")] = None,
    features: Annotated[Path | None, typer.Option("--features", "-f", help="... with these features.")] = None,
    mode: Mode = None,
    opset: Annotated[int | None, typer.Option(min=17, help="ONNX operator set [default: 17].")] = None,
    coreml: Annotated[bool, typer.Option("--coreml", help="Two Core ML packages instead, face and render.")] = False,
    quiet: Quiet = False,
) -> None:
    """Export a checkpoint to ONNX and compare the two; nothing is written where they differ by more than 1e-4.

    **Example:** `framegen export --checkpoint 5.pth -o unet_328.onnx`

    **Example:** `framegen export --checkpoint 5.pth --coreml -o may-coreml`, for apps on Apple systems
    """
    from frame_generation_pipeline.making.export import export_checkpoint

    exported = export_checkpoint(
        checkpoint, output, mode=mode, opset=opset, coreml=coreml, template=template, features=features
    )
    if not quiet:
        typer.echo(f"{output}: {exported}")


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


def compare(
    a: Annotated[Path, typer.Argument(help="Video or folder of frames: the reference.")],
    b: Annotated[Path, typer.Argument(help="Video or folder of frames to compare with it.")],
    min_psnr: Annotated[float, typer.Option(help="Fail below this overall PSNR, in dB.")] = 40.0,
    min_ssim: Annotated[float, typer.Option(help="Fail below this mean SSIM.")] = 0.95,
    samples: Annotated[bool, typer.Option("--samples", help="A holds only some of B's frames.")] = False,
    image: Annotated[Path | None, typer.Option(help="Write the worst frame side by side to this .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every frame's figures as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare two videos or folders frame by frame: MSE, PSNR, SSIM; exit status 1 below the limits.

    **Example:** `framegen compare expected.mp4 result.mp4 --image worst.png`

    **Example:** `framegen compare reference/ frames/ --samples`, where `framegen reference` wrote the first
    """
    from frame_generation_pipeline.evaluate.compare import compare as compare_frames
    from frame_generation_pipeline.evaluate.compare import worst_frame_image
    from frame_generation_pipeline.media.video_reader import write_image

    if image is not None:
        keep_inputs(image, a, b)
    result = compare_frames(a, b, samples=samples)
    passed = result.psnr >= min_psnr and result.ssim >= min_ssim
    if image is not None:
        write_image(image, worst_frame_image(a, b, result.worst, samples=samples))
    if as_json:
        print_json(result.to_json() | {"passed": passed})
    elif not quiet:
        rows = [
            (f"{score.index}{' (worst)' * (score.index == result.worst)}", *_figures(score.mse, score.psnr, score.ssim))
            for score in result.frames
        ]
        print_table(
            ("frame", "MSE", "PSNR dB", "SSIM"), rows, ("overall", *_figures(result.mse, result.psnr, result.ssim))
        )
        typer.echo("agree" if passed else f"differ: below {min_psnr:g} dB or SSIM {min_ssim:g}")
    if not passed:
        raise typer.Exit(1)


def _figures(mse: float, psnr: float, ssim: float) -> tuple[str, str, str]:
    return f"{mse:.3f}", f"{psnr:.2f}", f"{ssim:.4f}"


def info(
    path: Annotated[
        Path, typer.Argument(help="Avatar, checkpoint, ONNX file, template, features, audio, video or image.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what an avatar, checkpoint, ONNX file, template, feature or audio file is, and whether a video is generated.

    **Example:** `framegen info checkpoint/May/5.pth`
    """
    from frame_generation_pipeline.cli.info import describe

    described = describe(path)
    if as_json:
        print_json(described)
    else:
        print_values(described)
