"""Options that commands share: declared once, and made into values."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import wraps
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from frame_generation_pipeline.audio.gate import AS_PACKAGED, FIXED_GATE, AsPackaged, Gate, SpeechGate
from frame_generation_pipeline.errors import OptionError, check_choice
from frame_generation_pipeline.making.source import Source
from frame_generation_pipeline.media.codecs import DEFAULT_PRESET
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import FEATHERED, NETWORKS, REFERENCE
from frame_generation_pipeline.template.loop import PINGPONG, Loop
from frame_generation_pipeline.voice.settings import VoiceSettings
from frame_generation_pipeline.weights import PRESENTER

if TYPE_CHECKING:
    from frame_generation_pipeline.avatar import Avatar

AvatarPath = Annotated[Path | None, typer.Option("--avatar", help="Avatar package: an .avatar file or a folder.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", "-c", help="Generator checkpoint: .pth or .safetensors.")
]
Model = Annotated[Path | None, typer.Option("--model", "-m", help="Generator as ONNX, in place of a checkpoint.")]
TEMPLATE = typer.Option("--template", "-t", help="Folder with full_body_img/, landmarks/ and perhaps parsing/.")
TemplateDir = Annotated[Path, TEMPLATE]
OptionalTemplateDir = Annotated[Path | None, TEMPLATE]
Audio = Annotated[Path | None, typer.Option("--audio", "-a", help="Any audio FFmpeg reads, also a video's.")]
AudioTrack = Annotated[
    int | None,
    typer.Option(min=1, help="Which audio track of a file with several, from 1 [default: its default, unless silent]."),
]
Encoder = Annotated[
    Path | None, typer.Option("--encoder", "-e", help="Audio encoder (.pth or .onnx), where none is built in.")
]
RecordedAudio = Annotated[
    Path | None,
    typer.Option(
        "--audio", "-a", help="The recording's audio, where it is a file of its own; laid on the video's own."
    ),
]
Features = Annotated[Path | None, typer.Option("--features", "-f", help="Audio features (.npy or .bin), if at hand.")]
Mode = Annotated[str | None, typer.Option(help="ave, hubert, wenet, whisper or streaming; recognised when not given.")]
BuiltinMode = Annotated[str | None, typer.Option("--mode", help="[default: the encoder's, or the presenter's]")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps; for PyTorch.")]
Provider = Annotated[
    list[str] | None, typer.Option("--provider", help="ONNX Runtime execution provider; may be repeated.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads for ONNX Runtime; all cores when not given.")]
CacheSize = Annotated[int | None, typer.Option(min=0, help="MB for remembered faces [default: from the free memory].")]
CacheFile = Annotated[Path | None, typer.Option(help="File to remember an avatar's faces in between runs.")]
Parsing = Annotated[bool, typer.Option("--parsing", help="Keep the pixels that the parsing images mark.")]
StartFrame = Annotated[int, typer.Option(min=0, help="Enter the template so many frames later.")]
StartTime = Annotated[float, typer.Option("--start", min=0, help="Begin at this second of the audio.")]
EndTime = Annotated[float | None, typer.Option("--end", help="End at this second of the audio.")]
Crf = Annotated[int | None, typer.Option(help="Constant rate factor, lower is better [default: 20; webm 32].")]
Preset = Annotated[str, typer.Option(help="Encoder preset, from ultrafast to veryslow.")]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        "--width",
        help="mobile (the fastest), light (half of the original's channels) or full (the original's).",
    ),
]
Start = Annotated[Path | None, typer.Option(help="Checkpoint to begin from, instead of from scratch.")]
MostFrames = Annotated[
    int, typer.Option(min=100, help="Learn from so many frames of a longer recording, spread over its poses.")
]
Blend = Annotated[
    str | None,
    typer.Option(help="feathered (no edge to be seen) or reference (the original's numbers) [default: feathered]."),
]
RestInSilence = Annotated[bool, typer.Option("--gate/--no-gate", help="Rest the mouth where nobody speaks.")]
Silence = Annotated[
    float | None, typer.Option(help="dB of full scale below which nobody speaks any more [default: by the audio].")
]
Speech = Annotated[
    float | None, typer.Option(help="dB of full scale above which somebody speaks again [default: by the audio].")
]
Steady = Annotated[bool, typer.Option("--steady", help="Average flicker of the mouth with the neighbouring frames.")]
LoopKind = Annotated[
    str, typer.Option("--loop", help="pingpong (forth and back) or crossfade (dissolve into the beginning).")
]
Range = Annotated[str | None, typer.Option("--range", help="Frames of the template to use, such as 100:400.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only errors.")]


@dataclass(frozen=True)
class Person:
    """Who speaks: an avatar, or a template with a generator and an encoder; the presenter where nobody is named."""

    avatar: AvatarPath = None
    template: OptionalTemplateDir = None
    checkpoint: Checkpoint = None
    model: Model = None
    encoder: Encoder = None

    def load(self, source: Source, runtime: Runtime, style: Style) -> "Avatar":
        """The avatar that the options name. Raises OptionError also for options that have no effect on it."""
        from frame_generation_pipeline.avatar import Avatar
        from frame_generation_pipeline.pipeline import FrameGenerationPipeline

        own = (self.template, self.checkpoint, self.model, self.encoder)
        if self.avatar is not None and any(path is not None for path in own):
            raise OptionError("an avatar has its own template, generator and encoder; leave those options out")
        if self.template is None:
            if any(path is not None for path in own):
                raise OptionError("nobody to speak; a checkpoint, model or encoder needs the --template of a person")
            if source != Source():
                raise OptionError(
                    "--mode, --device, --backend and --parsing are for checkpoints, not for avatars; leave them out"
                )
            return Avatar.load(PRESENTER if self.avatar is None else self.avatar, style=style, runtime=runtime)
        if runtime.cache_size is not None or runtime.cache_file is not None:
            raise OptionError(
                "faces are remembered of avatars alone; leave --cache-size and --cache-file out, or pack one"
            )
        if self.checkpoint is not None and source.backend == "torch":
            if runtime.providers is not None or runtime.threads is not None:
                raise OptionError(
                    "--provider and --threads are for ONNX Runtime; add --backend onnx, or leave them out"
                )
        elif source.device != "auto":
            raise OptionError("--device is for PyTorch, which does not run here; leave it out, or choose a --provider")
        if self.model is not None and source.backend != "torch":
            raise OptionError("--backend is for checkpoints; an ONNX model is run by ONNX Runtime, leave it out")
        pipeline = FrameGenerationPipeline(
            self.checkpoint,
            source.mode,
            source.device,
            model_path=self.model,
            encoder_path=self.encoder,
            backend=source.backend,
            providers=runtime.providers,
            threads=runtime.threads,
            style=replace(style, blend=style.blend or FEATHERED),
        )
        return pipeline.avatar(self.template, use_parsing=source.parsing)


@dataclass(frozen=True)
class SourceOptions:
    """How a checkpoint or model is read and run."""

    backend: Annotated[str, typer.Option(help="What runs a checkpoint: torch or onnx.")] = "torch"
    mode: Mode = None
    device: Device = "auto"
    parsing: Parsing = False

    def value(self) -> Source:
        """These as a value."""
        return Source(self.mode, self.device, self.backend, self.parsing)


@dataclass(frozen=True)
class RuntimeOptions:
    """What ONNX Runtime computes with, and what it remembers."""

    provider: Provider = None
    threads: Threads = None
    cache_size: CacheSize = None
    cache_file: CacheFile = None

    def value(self) -> Runtime:
        """These as a value."""
        size = None if self.cache_size is None else self.cache_size * 2**20
        return Runtime(tuple(self.provider) if self.provider else None, self.threads, size, self.cache_file)


@dataclass(frozen=True)
class StyleOptions:
    """How frames look."""

    blend: Blend = None
    gate: RestInSilence = True
    silence_db: Silence = None
    speech_db: Speech = None
    steady: Steady = False
    loop: LoopKind = PINGPONG
    frames_range: Range = None

    def value(self) -> Style:
        """These as a value. Raises OptionError for those that have no effect together."""
        chosen: SpeechGate | AsPackaged | None = AS_PACKAGED if self.gate else None
        if self.silence_db is not None or self.speech_db is not None:
            if not self.gate:
                raise OptionError("--silence-db and --speech-db set the gate that --no-gate turns off; leave one out")
            if self.blend == REFERENCE:
                raise OptionError(
                    "blend reference, the original's, knows no gate; leave --silence-db and --speech-db out"
                )
            chosen = Gate(
                FIXED_GATE.silence if self.silence_db is None else self.silence_db,
                FIXED_GATE.speech if self.speech_db is None else self.speech_db,
            )
        return Style(self.blend, chosen, self.steady, Loop.of(self.loop, self.frames_range))


@dataclass(frozen=True)
class TimingOptions:
    """Which part of the audio is said, and the rate of the video."""

    start_frame: StartFrame = 0
    start: StartTime = 0.0
    end: EndTime = None
    audio_track: AudioTrack = None
    fps: Annotated[float | None, typer.Option(help="Of the video [default: 25; wenet 20].")] = None

    def value(self) -> Timing:
        """These as a value."""
        return Timing(self.start, self.end, self.start_frame, self.fps, self.audio_track)


@dataclass(frozen=True)
class VoiceOptions:
    """Which voice speaks a text."""

    voice: Annotated[str | None, typer.Option(help="Of hibari-tts or of the endpoint [default: heart; alloy].")] = None
    speed: Annotated[float, typer.Option(help="Of the voice, 0.5 to 2.")] = 1.0
    seed: Annotated[int | None, typer.Option(min=0, help="Of the noise in hibari's voices [default: 0].")] = None
    tts_url: Annotated[
        str | None, typer.Option(help="Endpoint of OpenAI's kind that speaks instead; its key is FRAMEGEN_TTS_KEY.")
    ] = None
    tts_model: Annotated[str | None, typer.Option(help="As the endpoint calls it [default: tts-1].")] = None

    def value(self) -> VoiceSettings:
        """These as a value."""
        return VoiceSettings(self.voice, self.speed, self.seed, self.tts_url, self.tts_model)


@dataclass(frozen=True)
class EncodingOptions:
    """How videos and images are encoded."""

    frame_format: Annotated[str | None, typer.Option(help="png or jpg [default: png].")] = None
    crf: Crf = None
    preset: Annotated[
        str | None, typer.Option(help=f"Encoder preset, from ultrafast to veryslow [default: {DEFAULT_PRESET}].")
    ] = None
    provenance: Annotated[bool, typer.Option(help="Say in the files' metadata that they are generated.")] = True

    def value(self, *, video: bool, images: bool) -> Encoding:
        """These as a value. Raises OptionError for those of what is not written: a video, images."""
        if not video and (self.crf is not None or self.preset is not None):
            raise OptionError("--crf and --preset are for videos; leave them out, or name one with -o")
        if not images and self.frame_format is not None:
            raise OptionError("--frame-format is for --frames-dir, which is not given; leave it out")
        preset, frame_format = self.preset or DEFAULT_PRESET, self.frame_format or "png"
        return Encoding(self.crf, preset, frame_format, self.provenance)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Show Typer each field of a command's dataclass parameters as an option of its own.

    The command raises OptionError for numbers that are not finite.
    """
    signature = inspect.signature(command, eval_str=True)
    groups = {name: given.annotation for name, given in signature.parameters.items() if is_dataclass(given.annotation)}
    parameters: list[inspect.Parameter] = []
    for name, given in signature.parameters.items():
        if name not in groups:
            parameters.append(given.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        hints = get_type_hints(groups[name], include_extras=True)
        for option in fields(groups[name]):
            kind, default = inspect.Parameter.KEYWORD_ONLY, option.default
            parameters.append(inspect.Parameter(option.name, kind, default=default, annotation=hints[option.name]))

    @wraps(command)
    def run(**given: object) -> None:
        for name, value in given.items():
            if isinstance(value, float) and not isfinite(value):
                raise OptionError(f"{name.replace('_', ' ')} is {value}; give a finite number")
        for name, group in groups.items():
            given[name] = group(**{option.name: given.pop(option.name) for option in fields(group)})  # type: ignore[operator]
        command(**given)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what Typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def known_network(name: str) -> str:
    """Return `name` where it is the name of a network. Raises OptionError for any other."""
    check_choice("network", name, NETWORKS)
    return name
