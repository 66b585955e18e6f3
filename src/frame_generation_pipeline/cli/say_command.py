"""The command that has an avatar say a text."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from frame_generation_pipeline.cli.options import (
    EncodingOptions,
    Person,
    Quiet,
    RuntimeOptions,
    SourceOptions,
    StartFrame,
    StyleOptions,
    VoiceOptions,
)
from frame_generation_pipeline.errors import MissingFileError, OptionError, TextError
from frame_generation_pipeline.files.progress import show_progress
from frame_generation_pipeline.media.video_writer import check_output
from frame_generation_pipeline.voice.protocol import Voice
from frame_generation_pipeline.voice.settings import VoiceSettings

AUDIO = ".wav"
STANDARD_INPUT = "-"


def say(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Video: .mp4, .mov, .mkv or .webm; or .wav for the audio alone.")
    ],
    person: Person,
    source: SourceOptions,
    runtime: RuntimeOptions,
    style: StyleOptions,
    encoding: EncodingOptions,
    voice: VoiceOptions,
    text: Annotated[str | None, typer.Argument(help="What is said; - reads it from standard input.")] = None,
    text_file: Annotated[Path | None, typer.Option(help="File with the text, UTF-8.")] = None,
    start_frame: StartFrame = 0,
    fps: Annotated[float | None, typer.Option(help="Of the video [default: 25; wenet 20].")] = None,
    frames_dir: Annotated[Path | None, typer.Option(help="Folder for the frames as images, too.")] = None,
    quiet: Quiet = False,
) -> None:
    """Make a video of an avatar saying a text; needs the extra [say], or an endpoint that speaks.

    **Example:** `framegen say "Good morning. It is nice to see you." -o talk.mp4`

    **Example:** `framegen say - -o talk.mp4 --avatar may.avatar < speech.txt`
    """
    from frame_generation_pipeline.say import say_audio, say_video

    words = _text(text, text_file)
    if output.suffix.lower() == AUDIO:
        others = (person, source, runtime, style, encoding, start_frame, fps, frames_dir)
        if others != (Person(), SourceOptions(), RuntimeOptions(), StyleOptions(), EncodingOptions(), 0, None, None):
            raise OptionError(f"{output}: holds the voice alone; leave out what is for videos, or name one with -o")
        with show_progress("Speaking", "sentences", quiet=quiet) as progress:
            say_audio(words, output, voice=voice.value().load(), progress=progress)
    else:
        check_output(output)
        encoded = encoding.value(video=True, images=frames_dir is not None)
        with ThreadPoolExecutor(1) as pool:  # the voice is loaded beside the avatar
            loading = pool.submit(_voice, voice.value(), words)
            speaker = person.load(source.value(), runtime.value(), style.value())
            loaded = loading.result()
        with show_progress("Generating", "frames", quiet=quiet) as progress:
            say_video(
                speaker,
                words,
                output,
                voice=loaded,
                start_frame=start_frame,
                fps=fps,
                encoding=encoded,
                frames_dir=frames_dir,
                progress=progress,
            )
    if not quiet:
        typer.echo(output)


def _voice(settings: VoiceSettings, text: str) -> Voice:
    """The voice, which can speak the text as far as it knows. Raises OptionError and TextError."""
    voice = settings.load()
    voice.check(text)
    return voice


def _text(text: str | None, file: Path | None) -> str:
    """The text to say, from an argument, standard input or a file."""
    if (text is None) == (file is None):
        raise OptionError("nothing to say; give a text in quotes, - for standard input or --text-file, one of them")
    if text is not None and text != STANDARD_INPUT:
        return text
    name = "standard input" if file is None else str(file)
    try:
        return (sys.stdin.buffer.read() if file is None else file.read_bytes()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextError(f"{name}: byte {error.start} is no UTF-8; save the text as UTF-8") from error
    except OSError as error:
        raise MissingFileError(f"{name}: expected a text to read ({error.strerror}); check the path") from error
