"""A person who can speak: load one, and make videos, images or live frames of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import RELATIVE_GATE, AsPackaged
from frame_generation_pipeline.errors import library_errors
from frame_generation_pipeline.files.fingerprint import fingerprint_of
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
from frame_generation_pipeline.speaking.writing import folder_writers, run_fingerprint, video_writer, write_speech
from frame_generation_pipeline.spec import FEATHERED, REFERENCE
from frame_generation_pipeline.template.sequence import FrameSequence
from frame_generation_pipeline.weights import PRESENTER


@dataclass(frozen=True)
class Avatar:
    """A person who can speak: a template, the generator that paints the face, and the encoder of the audio.

    avatar = Avatar.load("may.avatar")
    avatar.generate_video("speech.wav", "talk.mp4")
    """

    template: FrameSequence
    generator: Generator
    encoder: AudioProgram | None = None  # None if only features can be spoken
    manifest: Manifest | None = None  # of the package it was loaded from
    states: FaceStates | None = None  # keeps the face states of template frames
    style: Style = Style(blend=FEATHERED)  # with the blend `reference` there is no gate, as in the original
    downmix: Downmix | None = None  # how the channels of audio become one; None: chosen from the whole file
    rest: Window | None = None  # features (16, F) at which the mouth rests; None: those of silence
    fingerprint: str | None = None  # of the files it was made from; None: its runs are never resumed
    engine: Engine | None = None  # renders the frames of all its sessions; None: one of its own

    def __post_init__(self) -> None:
        self.style.loop.frames(len(self.template))
        loop = self.style.loop.matched(self.template.boxes)
        object.__setattr__(self, "style", replace(self.style, blend=self.blend, loop=loop))
        if self.engine is None:
            workers = self.generator.concurrency
            # PyTorch runs in the thread that waits for the frame: in another thread it takes a fifth more memory.
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
        """Load the avatar in the folder or `.avatar` file `path`, by default the built-in presenter.

        style: how frames look; the default blend is the one that the package names. runtime: what computes them.
        engine: shared with other avatars; None makes one for this avatar.

        Raises MissingFileError; PackageError if the package is damaged or of a version that this program does not
        read; OptionError for a provider or blend that is not available, or a loop over frames that do not exist;
        OutputError for a cache file that cannot be written.
        """
        package = open_package(path)
        template, manifest = PackagedTemplate(package), package.manifest
        generator, encoder = load_programs(package, runtime)
        states = FaceStates.of(template, generator, runtime, package.fingerprint)
        style = replace(style, blend=style.blend or manifest.blend)
        fingerprint = f"{package.fingerprint} {','.join(runtime.providers or ())}"
        rest = read_rest(package)
        return cls(template, generator, encoder, manifest, states, style, manifest.downmix, rest, fingerprint, engine)

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
        """Write the video `output_path` (.mp4, .mov, .mkv, .webm), as long as its audio, and return its path.

        audio_path: any audio that FFmpeg reads; None makes a silent video, which needs features.
        audio_features_path: features (.npy, .bin); by default the encoder computes them from the audio.
        frames_dir: a folder into which the frames are also written as images.
        progress: called after each frame. times: receives the time of each stage.

        The same call resumes an interrupted run: it renders at most 10 s of video again, and the result is the same
        to the byte. Until the video is complete, its parts are in `{output_path}.partial`.

        Raises the errors of `errors.py`. Inputs and outputs are checked before the first frame is rendered, and only
        complete files get their final names.
        """
        speech = self.plan(audio_features_path, audio_path, timing)
        fingerprint = run_fingerprint(self.frames_fingerprint(), speech)
        video = video_writer(output_path, self.template, speech.fps, encoding, fingerprint, speech)
        write_speech(self.session, speech, [video, *folder_writers(frames_dir, encoding, fingerprint)], progress, times)
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
        """Write the frames as images, from `frame_00000.png` on, and return their paths; see `generate_video`."""
        speech = self.plan(audio_features_path, audio_path, timing)
        [writer] = folder_writers(output_dir, encoding, run_fingerprint(self.frames_fingerprint(), speech))
        return [writer.path(index) for index in range(write_speech(self.session, speech, [writer], progress, times))]

    def frames(
        self,
        audio_path: str | Path | None = None,
        *,
        audio_features_path: str | Path | None = None,
        timing: Timing = Timing(),
    ) -> Frames:
        """Yield the frames (H, W, 3) uint8 BGR as they are rendered; `timing.fps` does not change them."""
        speech = self.plan(audio_features_path, audio_path, timing)
        return self.session(timing.start_frame).say(speech.windows())

    def live(self, start_frame: int = 0, *, bound: float = BOUND) -> Session:
        """Begin a session that takes audio piece by piece and gives each frame as soon as it is rendered.

        bound: see `Session`. Raises OptionError without an audio encoder, or for a `start_frame` that does not exist.
        """
        return self.session(start_frame, front_end=self.front_end, bound=bound)

    def plan(
        self, features_path: str | Path | None, audio_path: str | Path | None, timing: Timing = Timing()
    ) -> Speech:
        """Check a speech and count its frames, see `plan_speech`; the arguments are those of `generate_video`."""
        return plan_speech(self.front_end, features_path=features_path, audio_path=audio_path, timing=timing)

    @cached_property
    def front_end(self) -> AudioFrontEnd:
        """The front end that turns audio into windows."""
        gate = None if self.blend == REFERENCE else self.style.gate  # the original has no gate
        if isinstance(gate, AsPackaged):
            gate = RELATIVE_GATE if self.manifest is None else self.manifest.gate
        return AudioFrontEnd(self.generator.spec.audio, self.encoder, gate, self.rest, self.downmix)

    @property
    def blend(self) -> str:
        """How patches meet the frame around them, one of `spec.BLENDS`."""
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
        """Begin a session of this avatar, see `Session`. planar: give frames as `Planes`, for encoders, not BGR."""
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
        """Fingerprint of everything but the speech that decides its frames; None if its runs are never resumed."""
        if self.fingerprint is None:
            return None
        rest = None if self.rest is None else self.rest.tobytes()
        return fingerprint_of(self.fingerprint, self.style, self.front_end.gate, self.downmix, rest)
