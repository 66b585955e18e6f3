"""Commands that make an avatar in one go: create of a recording, distill of a larger generator."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from frame_generation_pipeline.cli.making_options import AvOffset, Batch, LabelOptions
from frame_generation_pipeline.cli.options import (
    AudioTrack,
    Device,
    Encoder,
    Mode,
    MostFrames,
    Network,
    Quiet,
    RecordedAudio,
    known_network,
)
from frame_generation_pipeline.cli.printing import print_values
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.train.recipe import MOST_FRAMES


def create(
    recording: Annotated[Path, typer.Argument(help="A video of one person who talks, a minute or more.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The avatar, a file that ends in .avatar.")],
    label: LabelOptions,
    audio: RecordedAudio = None,
    audio_track: AudioTrack = None,
    av_offset: AvOffset = None,
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 60.0,
    network: Network = "mobile",
    start: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to begin from [default: the built-in one, where it is that network]."),
    ] = None,
    scratch: Annotated[bool, typer.Option("--scratch", help="Begin from nothing.")] = False,
    batch: Batch = None,
    device: Device = "auto",
    most_frames: MostFrames = MOST_FRAMES,
    quiet: Quiet = False,
) -> None:
    """Make an avatar of a recording: prepare, train, evaluate, pack; stopped, the same command goes on.

    **Example:** `framegen create recording.mp4 -o may.avatar`
    """
    with needing_train_extra(f"{recording}: making an avatar"):
        from frame_generation_pipeline.create import create as create_avatar
    result = create_avatar(
        recording,
        output,
        audio=audio,
        audio_track=audio_track,
        av_offset=av_offset,
        minutes=minutes,
        network=known_network(network),
        start=start,
        scratch=scratch,
        batch=batch,
        device=device,
        most_frames=most_frames,
        label=label.value(),
        stage=partial(show_progress, quiet=quiet),
    )
    if not quiet:
        _print_result(result.packed.describe(), result.pages)


def distill(
    output: Annotated[Path, typer.Option("--output", "-o", help="The avatar, a file that ends in .avatar.")],
    label: LabelOptions,
    avatar: Annotated[Path | None, typer.Option("--avatar", "-a", help="Avatar with the large generator.")] = None,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", "-c", help="... or the checkpoint of one.")] = None,
    template: Annotated[Path | None, typer.Option("--template", "-t", help="... and its template folder.")] = None,
    encoder: Encoder = None,
    mode: Mode = None,
    speech: Annotated[
        Path | None, typer.Option(help="Folder with speech to learn from too: audio or feature files.")
    ] = None,
    network: Network = "mobile",
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 60.0,
    held_out: Annotated[
        float, typer.Option(min=0, help="Seconds at the end of the speech that are never learned from.")
    ] = 4.0,
    batch: Batch = None,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Make an avatar whose small generator paints what a large one paints; stopped, the same command goes on.

    **Example:** `framegen distill --checkpoint 5.pth --template dataset/May -o may.avatar`

    **Example:** `framegen distill --avatar big.avatar --speech recordings/ -o may.avatar`
    """
    with needing_train_extra(f"{output}: the distillation"):
        from frame_generation_pipeline.distill import distill as distill_avatar
        from frame_generation_pipeline.train.run import Duration
    result = distill_avatar(
        output,
        avatar=avatar,
        checkpoint=checkpoint,
        template=template,
        encoder=encoder,
        mode=mode,
        speech=speech,
        network=known_network(network),
        duration=Duration(minutes=minutes),
        held_out=held_out,
        batch=batch,
        device=device,
        seed=seed,
        label=label.value(),
        stage=partial(show_progress, quiet=quiet),
    )
    if not quiet:
        scores = {name: f"{value:.1f} dB" for name, value in result.scores.items()}
        _print_result(result.packed.describe() | scores, [result.page])


def _print_result(values: Mapping[str, Any], pages: Iterable[Path]) -> None:
    """Say what was packed, and which pages show how it was made."""
    print_values(values)
    for page in pages:
        typer.echo(f"see {page}")
