"""Commands that let somebody speak: generate, inspect, benchmark."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from frame_generation_pipeline.cli.options import (
    Audio,
    AudioTrack,
    CacheSize,
    Crf,
    EncodingOptions,
    EndTime,
    Features,
    Mode,
    Parsing,
    Person,
    Preset,
    Quiet,
    RuntimeOptions,
    SourceOptions,
    StartTime,
    StyleOptions,
    Threads,
    TimingOptions,
)
from frame_generation_pipeline.cli.printing import print_json, print_table
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.making.source import Source
from frame_generation_pipeline.media.codecs import DEFAULT_PRESET
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.timing import Timing


def generate(
    person: Person,
    source: SourceOptions,
    runtime: RuntimeOptions,
    style: StyleOptions,
    timing: TimingOptions,
    encoding: EncodingOptions,
    audio: Audio = None,
    features: Features = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Video: .mp4, .mov, .mkv or .webm.")] = None,
    frames_dir: Annotated[Path | None, typer.Option(help="Folder for the frames as images.")] = None,
    quiet: Quiet = False,
) -> None:
    """Make a video of an avatar, or of a template's person, saying the audio; interrupted, the same command goes on.

    **Example:** `framegen generate --avatar may.avatar --audio speech.wav -o result.mp4`

    **Example:** `framegen generate --checkpoint 5.pth --encoder audio_visual_encoder.pth --template dataset/May
    --audio speech.wav -o result.mp4`
    """
    if output is None and frames_dir is None:
        raise OptionError("no output; give -o result.mp4, --frames-dir or both")
    encoded = encoding.value(video=output is not None, images=frames_dir is not None)
    speaker = person.load(source.value(), runtime.value(), style.value())
    with show_progress("Generating", "frames", quiet=quiet) as progress:
        if output is not None:
            speaker.generate_video(
                audio,
                output,
                audio_features_path=features,
                timing=timing.value(),
                encoding=encoded,
                frames_dir=frames_dir,
                progress=progress,
            )
        elif frames_dir is not None:
            speaker.generate_images(
                audio,
                frames_dir,
                audio_features_path=features,
                timing=timing.value(),
                encoding=encoded,
                progress=progress,
            )
    if not quiet:
        typer.echo(output or frames_dir)


def inspect(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the images.")],
    person: Person,
    style: StyleOptions,
    audio: Audio = None,
    audio_track: AudioTrack = None,
    features: Features = None,
    frame: Annotated[
        int | None, typer.Option(min=0, help="Frame to explain [default: where the lips are widest open].")
    ] = None,
    start: StartTime = 0.0,
    end: Annotated[float | None, typer.Option("--end", help="End at this second [default: 10 s later].")] = None,
    mode: Mode = None,
    parsing: Parsing = False,
    quiet: Quiet = False,
) -> None:
    """Draw images that explain a result: box and mask, network input and output, difference, the lips under the audio.

    **Example:** `framegen inspect --avatar may.avatar --audio speech.wav -o explained/`
    """
    from frame_generation_pipeline.cli.inspection import inspect_speech

    source = Source(mode, backend="torch" if person.checkpoint is None else "onnx", parsing=parsing)
    speaker = person.load(source, Runtime(), style.value())
    with show_progress("Inspecting", "frames", quiet=quiet) as progress:
        written = inspect_speech(
            speaker,
            output,
            audio_path=audio,
            audio_features_path=features,
            timing=Timing(start, end, audio_track=audio_track),
            frame=frame,
            progress=progress,
        )
    if not quiet:
        for path in written:
            typer.echo(path)


def benchmark(
    person: Person,
    audio: Audio = None,
    audio_track: AudioTrack = None,
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
    for the first time and on faces that it has kept. An avatar that encodes audio also speaks four seconds of it live:
    from the beginning of a frame's audio to the frame, of which its look-ahead passes until the audio is there.

    **Example:** `framegen benchmark --checkpoint 5.pth --template dataset/May --features aud_ave.npy`
    """
    from frame_generation_pipeline.cli.benchmark import TORCH, Inputs, benchmark_backends

    results = benchmark_backends(
        Inputs(
            avatar=person.avatar,
            checkpoint=person.checkpoint,
            model=person.model,
            template=person.template,
            encoder=person.encoder,
            audio=audio,
            features=features,
            source=Source(mode, parsing=parsing),
            runtime=RuntimeOptions(threads=threads, cache_size=cache_size).value(),
            timing=Timing(end=end, audio_track=audio_track),
            encoding=Encoding(crf, preset),
        ),
        runs=runs,
    )
    if as_json:
        print_json([asdict(result) for result in results])
        return
    speeds = [
        (
            result.backend,
            f"{result.fps:.2f}",
            "" if result.ratio is None else f"{result.ratio:.2f}",
            f"{result.first_frame:.2f}",
            f"{result.peak_memory / 1e6:.0f}",
        )
        for result in results
    ]
    stages = [(result.backend, *(f"{ms:.1f}" for ms in result.stages.values())) for result in results]
    print_table(("backend", "fps", f"ratio to {TORCH}", "first frame, s", "peak memory, MB"), speeds)
    print_table(("ms a frame", *results[0].stages), stages)
    live = [
        (
            result.backend,
            " to ".join(f"{seconds:.2f}" for seconds in dict.fromkeys(result.look_ahead)),
            *(f"{seconds:.2f}" for seconds in result.delay),
        )
        for result in results
        if result.look_ahead is not None and result.delay is not None
    ]
    if live:
        print_table(("live, s", "look-ahead", "sample to its frame", "95th percentile"), live)
