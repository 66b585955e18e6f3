"""A person who can speak: a template, the generator that paints the face, and what turns audio into features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import FIXED_GATE, RELATIVE_GATE, AsPackaged, SpeechGate, silence_window
from frame_generation_pipeline.errors import OptionError, library_errors
from frame_generation_pipeline.files.fingerprint import fingerprint_of
from frame_generation_pipeline.files.output import keep_inputs
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.protocol import Generator, choose_blend
from frame_generation_pipeline.media.downmix import MEAN, Downmix
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.media.frames_folder import FrameFolderWriter
from frame_generation_pipeline.media.video_writer import VideoWriter, exact_rate
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import LISTENING_SINCE, Manifest
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
from frame_generation_pipeline.speaking.writing import FrameSink, run_fingerprint, write_frames
from frame_generation_pipeline.spec import FEATHERED, REFERENCE
from frame_generation_pipeline.template.planar import planar_record
from frame_generation_pipeline.template.sequence import FrameSequence
from frame_generation_pipeline.weights import PRESENTER

LOOK_BACK = 1  # frames before the first one of a resumed video that are made again, where the mouth is made steadier


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
            None if package.manifest.version >= LISTENING_SINCE else MEAN,
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
        sinks: list[FrameSink] = [
            VideoWriter(
                Path(output_path),
                (self.template.width, self.template.height),
                timing.fps if timing.fps is not None else speech.spec.fps,
                audio_path=speech.audio_path,
                audio_start=speech.start,
                audio_end=speech.end,
                audio_track=speech.track,
                crf=encoding.crf,
                preset=encoding.preset,
                provenance=encoding.provenance,
                fingerprint=fingerprint,
            )
        ]
        if frames_dir is not None:
            sinks.append(_frames_folder(frames_dir, encoding, fingerprint))
        self._write(speech, timing, sinks, progress, times)
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
        sink = _frames_folder(output_dir, encoding, fingerprint)
        written = self._write(speech, timing, [sink], progress, times)
        return [sink.path(index) for index in range(written)]

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
        return self.session(start_frame, front_end=self.front_end(), bound=bound)

    def front_end(self) -> AudioFrontEnd:
        """What turns audio into windows as it comes. Raises OptionError without an audio encoder."""
        if self.encoder is None:
            raise OptionError("this avatar has no audio encoder; live speech needs one")
        return AudioFrontEnd(self.encoder, self._gate, self._rest())

    def plan(
        self, features_path: str | Path | None, audio_path: str | Path | None, timing: Timing = Timing()
    ) -> Speech:
        """What is said and in how many frames, checked; the arguments as in `generate_video`. See `plan_speech`."""
        gate = self._gate if audio_path is not None else None
        return plan_speech(
            self.generator.spec.audio,
            features_path=features_path,
            audio_path=audio_path,
            encoder=self.encoder,
            start_time=timing.start,
            end_time=timing.end,
            gate=gate,
            rest=self._rest() if gate is not None else None,
            downmix=self.downmix,
            track=timing.audio_track,
        )

    @property
    def blend(self) -> str:
        """How faces are written back, of `spec.BLENDS`."""
        return choose_blend(self.generator, self.style.blend)

    @property
    def _gate(self) -> SpeechGate | None:
        if self.blend == REFERENCE:  # the original's own way knows no gate
            return None
        if isinstance(self.style.gate, AsPackaged):
            older = self.manifest is not None and self.manifest.version < LISTENING_SINCE
            return FIXED_GATE if older else RELATIVE_GATE
        return self.style.gate

    def _rest(self) -> Window | None:
        return silence_window(self.encoder) if self.rest is None and self.encoder is not None else self.rest

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
        return fingerprint_of(self.fingerprint, self.style, self._gate, self.downmix, rest)

    def _write(
        self,
        speech: Speech,
        timing: Timing,
        sinks: Sequence[FrameSink],
        progress: Progress | None,
        times: StageTimes | None,
    ) -> int:
        times, planar = times or StageTimes(), all(isinstance(sink, VideoWriter) for sink in sinks)

        def make(first: int) -> Frames:
            return self.session(timing.start_frame, first=first, times=times, planar=planar).say(speech.windows(first))

        self.session(timing.start_frame)  # raises now when there is no such frame
        return write_frames(
            make,
            speech.count,
            sinks,
            ratio=exact_rate(timing.fps) / speech.spec.fps if timing.fps is not None else Fraction(1),
            look_back=LOOK_BACK if self.style.steady else 0,
            progress=progress,
            times=times,
        )


def _frames_folder(path: str | Path, encoding: Encoding, fingerprint: Mapping[str, Any] | None) -> FrameFolderWriter:
    return FrameFolderWriter(Path(path), encoding.frame_format, provenance=encoding.provenance, fingerprint=fingerprint)
