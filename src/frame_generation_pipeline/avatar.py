"""A person who can speak: a template, the generator that paints the face, and what turns audio into features."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import RELATIVE_GATE, AsPackaged
from frame_generation_pipeline.errors import library_errors
from frame_generation_pipeline.files.fingerprint import fingerprint_of
from frame_generation_pipeline.files.output import keep_inputs
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.protocol import Generator, choose_blend
from frame_generation_pipeline.media.downmix import Downmix
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import Manifest
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.package.rest import read_rest
from frame_generation_pipeline.package.template import PackagedTemplate
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.audio_front_end import AudioFrontEnd
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.speaking.frame_renderer import FrameRenderer
from frame_generation_pipeline.speaking.session import BOUND, Frames, Session
from frame_generation_pipeline.speaking.speech import Speech, plan_speech
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.speaking.writing import (
    FrameSink,
    folder_writers,
    run_fingerprint,
    video_writer,
    write_speech,
)
from frame_generation_pipeline.spec import FEATHERED, REFERENCE
from frame_generation_pipeline.template.planar import planar_record
from frame_generation_pipeline.template.sequence import FrameSequence
from frame_generation_pipeline.weights import PRESENTER


@dataclass(frozen=True)
class Avatar:
    """A template, the generator that paints the face, and what turns audio into the features that it wants.

    avatar = Avatar.load("may.avatar")
    avatar.generate_video("speech.wav", "talk.mp4")
    """

    template: FrameSequence
    generator: Generator
    encoder: AudioProgram | None = None  # None where features come ready-made
    manifest: Manifest | None = None  # of the package that it was loaded from
    states: FaceStates | None = None  # where faces are remembered
    style: Style = Style(blend=FEATHERED)  # blend `reference`, the original's own way, knows no gate
    downmix: Downmix | None = None  # how the speech's channels become one; as the whole file tells when None
    rest: Window | None = None  # of features at which the mouth rests, (16, F); the encoder's of silence when None
    fingerprint: str | None = None  # of the files that it was made of; None where no run may resume another's work
    engine: Engine | None = None  # paints the frames of all its sessions; one of its own when None

    def __post_init__(self) -> None:
        self.style.loop.frames(len(self.template))
        loop = self.style.loop.matched(self.template.boxes)
        object.__setattr__(self, "style", replace(self.style, blend=self.blend, loop=loop))
        if self.engine is None:
            workers = self.generator.concurrency
            # PyTorch works in the thread that waits: in another one it takes a fifth more memory.
            object.__setattr__(self, "engine", Engine(workers if workers > 1 else 0))

    @classmethod
    def load(
        cls,
        path: str | Path = PRESENTER,
        *,
        style: Style = Style(),
        runtime: Runtime = Runtime(),
        engine: Engine | None = None,
    ) -> Self:
        """The avatar in the folder or `.avatar` file `path`, by default the built-in presenter.

        style: how frames look; the blend is by default what the package says. runtime: what computes them.
        engine: shared with other avatars; one of its own when None.

        Raises MissingFileError, PackageError when it is no package that this version reads or is damaged, OptionError
        for a provider or blend that is not available and for frames that do not exist, OutputError for a cache file
        that cannot be written.
        """
        package = open_package(path)
        generator, encoder = load_programs(package, runtime)
        template = PackagedTemplate(package)
        states = FaceStates(
            generator,
            len(template),
            budget=runtime.cache_size,
            file=runtime.cache_file,
            fingerprint=package.fingerprint,
            beside=planar_record(template),
        )
        return cls(
            template,
            generator,
            encoder,
            package.manifest,
            states,
            replace(style, blend=style.blend or package.manifest.blend),
            package.manifest.downmix,
            read_rest(package),
            f"{package.fingerprint} {','.join(runtime.providers or ())}",
            engine,
        )

    @library_errors("the video could not be made")
    def generate_video(
        self,
        audio_path: str | Path | None,
        output_path: str | Path,
        *,
        audio_features_path: str | Path | None = None,
        timing: Timing = Timing(),
        encoding: Encoding = Encoding(),
        frames_dir: str | Path | None = None,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> Path:
        """Make the video `output_path` (.mp4, .mov, .mkv, .webm), video and audio of one length; returns its path.

        audio_path: any audio that FFmpeg reads; without it the video is silent and features are needed.
        audio_features_path: features (.npy, .bin); computed from the audio by the encoder when not given.
        frames_dir: also write the frames as images into this folder.
        progress: called after each frame. times: filled with the time of each stage.

        Interrupted at any moment, it is resumed by the same call, which makes at most 10 s of video again; the result
        is the same to the byte. What is done lies in `{output_path}.partial` until all is.

        Raises the errors of `errors.py`; inputs and outputs are checked before the first frame is made, and nothing
        stands under its final name until it is complete.
        """
        package = self.template.path if self.template.path.is_file() else None
        keep_inputs(Path(output_path), audio_path, audio_features_path, package)
        speech = self.plan(audio_features_path, audio_path, timing)
        fingerprint = run_fingerprint(self.frames_fingerprint(), audio_path, audio_features_path, timing)
        fps = speech.spec.fps if timing.fps is None else timing.fps
        video = video_writer(output_path, self.template, fps, encoding, fingerprint, speech)
        sinks: list[FrameSink] = [video, *folder_writers(frames_dir, encoding, fingerprint)]
        write_speech(partial(self.session, timing.start_frame), speech, timing, sinks, progress, times)
        return Path(output_path)

    @library_errors("the frames could not be made")
    def generate_images(
        self,
        audio_path: str | Path | None,
        output_dir: str | Path,
        *,
        audio_features_path: str | Path | None = None,
        timing: Timing = Timing(),
        encoding: Encoding = Encoding(),
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> list[Path]:
        """Write the frames as images, `frame_00000.png` on, and return their paths; see `generate_video`."""
        speech = self.plan(audio_features_path, audio_path, timing)
        fingerprint = run_fingerprint(self.frames_fingerprint(), audio_path, audio_features_path, timing)
        [writer] = folder_writers(output_dir, encoding, fingerprint)
        written = write_speech(partial(self.session, timing.start_frame), speech, timing, [writer], progress, times)
        return [writer.path(index) for index in range(written)]

    def frames(
        self,
        audio_path: str | Path | None = None,
        *,
        audio_features_path: str | Path | None = None,
        timing: Timing = Timing(),
    ) -> Frames:
        """The frames themselves, (H, W, 3) uint8 BGR, one by one as they are made; `timing.fps` has no part in them."""
        speech = self.plan(audio_features_path, audio_path, timing)
        return self.session(timing.start_frame).say(speech.windows())

    def live(self, start_frame: int = 0, *, bound: float = BOUND) -> Session:
        """A session that is given audio piece by piece and gives each frame as soon as it can be made.

        bound: see `Session`. Raises OptionError without an audio encoder, or for a `start_frame` that does not exist.
        """
        return self.session(start_frame, front_end=self.front_end, bound=bound)

    def plan(
        self, features_path: str | Path | None, audio_path: str | Path | None, timing: Timing = Timing()
    ) -> Speech:
        """What is said and in how many frames, checked; the arguments as in `generate_video`. See `plan_speech`."""
        return plan_speech(self.front_end, features_path=features_path, audio_path=audio_path, timing=timing)

    @cached_property
    def front_end(self) -> AudioFrontEnd:
        """What turns its audio into windows."""
        gate = None if self.blend == REFERENCE else self.style.gate  # the original's own way knows no gate
        if isinstance(gate, AsPackaged):
            gate = RELATIVE_GATE if self.manifest is None else self.manifest.gate
        return AudioFrontEnd(self.generator.spec.audio, self.encoder, gate, self.rest, self.downmix)

    @property
    def blend(self) -> str:
        """How faces are written back, of `spec.BLENDS`."""
        return choose_blend(self.generator, self.style.blend)

    def session(
        self,
        start_frame: int,
        *,
        front_end: AudioFrontEnd | None = None,
        bound: float = BOUND,
        first: int = 0,
        times: StageTimes | None = None,
        planar: bool = False,
    ) -> Session:
        """A session of this avatar's frames, see `Session`; planar: as `Planes`, for encoders, and not BGR."""
        assert self.engine is not None  # see __post_init__
        renderer = FrameRenderer(self.template, self.generator, self.states, self.blend, self.style.loop, planar)
        return Session(
            renderer,
            self.engine,
            front_end,
            steady=self.style.steady,
            start_frame=start_frame,
            first=first,
            bound=bound,
            times=times,
        )

    def frames_fingerprint(self) -> str | None:
        """What decides its frames beside the speech; None where no run may resume another's work."""
        if self.fingerprint is None:
            return None
        rest = None if self.rest is None else self.rest.tobytes()
        return fingerprint_of(self.fingerprint, self.style, self.front_end.gate, self.downmix, rest)
