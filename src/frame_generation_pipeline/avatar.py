"""A person who can speak: a recording, the generator that paints the face, and what turns sound into features."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Protocol, Self

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.audio.gate import (
    AS_PACKAGED,
    FIXED_GATE,
    RELATIVE_GATE,
    AsPackaged,
    SpeechGate,
    silence_window,
)
from frame_generation_pipeline.errors import FrameGenerationError, OptionError
from frame_generation_pipeline.face.steady import Steadier
from frame_generation_pipeline.files.fingerprint import describe_versions, file_digest, fingerprint_of
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.protocol import Generator, choose_blend
from frame_generation_pipeline.media.codecs import DEFAULT_PRESET
from frame_generation_pipeline.media.downmix import MEAN, Downmix
from frame_generation_pipeline.media.frames_folder import FrameFolderWriter
from frame_generation_pipeline.media.video_writer import VideoWriter, exact_rate
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import LISTENING_SINCE, Manifest
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.package.rest import read_rest
from frame_generation_pipeline.package.template import PackagedTemplate
from frame_generation_pipeline.speaking.engine import Frame, Frames, Window, generate_frames
from frame_generation_pipeline.speaking.live import LiveSession
from frame_generation_pipeline.speaking.speech import Speech, plan_speech
from frame_generation_pipeline.speaking.stages import StageTimes, in_parallel
from frame_generation_pipeline.spec import FEATHERED, REFERENCE
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop
from frame_generation_pipeline.template.sequence import FrameSequence
from frame_generation_pipeline.weights import PRESENTER

LOOK_BACK = 1  # frames before the first one of a continued video that are made again, where the mouth is made steadier
Progress = Callable[[int, int], None]  # frames done, frames in all


class FrameSink(Protocol):
    """Where frames go, a video or a folder of pictures; complete when its `with` block ends well."""

    @property
    def done(self) -> int:
        """Frames that an interrupted run of the same job leaves, or left, for the next one."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: Any) -> None: ...

    def write(self, frame: Frame) -> Any:
        """Take the next frame (H, W, 3) uint8 BGR; the first one is frame `done`."""

    def finish(self) -> None:
        """Put everything under its final name; what is needed to do so again stays until the block ends."""


@dataclass(frozen=True)
class Avatar:
    """A person's recording, the generator that paints the face, and what turns sound into the features it wants.

    avatar = Avatar.load("may.avatar")
    avatar.generate_video("speech.wav", "talk.mp4")
    """

    template: FrameSequence
    generator: Generator
    encoder: AudioProgram | None = None  # None where features come ready-made
    manifest: Manifest | None = None  # of the package that it was loaded from
    states: FaceStates | None = None  # where faces are remembered
    blend: str = FEATHERED  # of `spec.BLENDS`; the original's own way, `reference`, knows no gate either
    gate: SpeechGate | None = RELATIVE_GATE  # tells silence, in which the mouth rests; None lets it move
    rest: Window | None = None  # of features at which the mouth rests, (16, F); the encoder's of silence when None
    steady: bool = False  # whether the mouth is made steadier, see `face.steady`; live frames come one later then
    loop: Loop = FORTH_AND_BACK  # in which order the recording's frames are shown
    downmix: Downmix | None = None  # how the speech's channels become one; as the whole file tells when None
    fingerprint: str | None = None  # of the files that it was made of; without it no run goes on with another's work

    def __post_init__(self) -> None:
        choose_blend(self.generator, self.blend)
        self.loop.frames(len(self.template))
        object.__setattr__(self, "loop", self.loop.matched(self.template.boxes))

    @classmethod
    def load(
        cls,
        path: str | Path = PRESENTER,
        *,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
        cache_size: int | None = None,
        cache_file: str | Path | None = None,
        blend: str | None = None,
        gate: SpeechGate | AsPackaged | None = AS_PACKAGED,
        steady: bool = False,
        loop: Loop = FORTH_AND_BACK,
    ) -> Self:
        """The avatar in the folder or `.avatar` file `path`, by default the built-in presenter.

        providers, threads: see `ProgramGenerator`.
        cache_size, cache_file: bytes that remembering faces may take, and a file to remember them in from one run to
        the next; see `FaceStates`. They change nothing but speed.
        blend, gate: by default what the package says. steady, loop: see the fields.

        Raises MissingFileError, PackageError when it is no package that this version reads or is damaged, OptionError
        for a provider or blend that is not available and for frames that do not exist, OutputError for a cache file
        that cannot be written.
        """
        package = open_package(path)
        listens = package.manifest.version >= LISTENING_SINCE
        generator, encoder = load_programs(package, providers=providers, threads=threads)
        template = PackagedTemplate(package)
        states = FaceStates(
            generator,
            len(template),
            budget=cache_size,
            file=Path(cache_file) if cache_file is not None else None,
            fingerprint=package.fingerprint,
        )
        return cls(
            template,
            generator,
            encoder,
            package.manifest,
            states,
            blend=choose_blend(generator, blend or package.manifest.blend),
            gate=(RELATIVE_GATE if listens else FIXED_GATE) if isinstance(gate, AsPackaged) else gate,
            downmix=None if listens else MEAN,
            rest=read_rest(package),
            steady=steady,
            loop=loop,
            fingerprint=f"{package.fingerprint} {','.join(providers or ())}",
        )

    def generate_video(
        self,
        audio_path: str | Path | None,
        output_path: str | Path,
        *,
        audio_features_path: str | Path | None = None,
        start_frame: int = 0,
        start_time: float = 0.0,
        end_time: float | None = None,
        fps: float | None = None,
        crf: int | None = None,
        preset: str = DEFAULT_PRESET,
        frames_dir: str | Path | None = None,
        frame_format: str = "png",
        provenance: bool = True,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> Path:
        """Make the video `output_path` (.mp4, .mov, .mkv, .webm), picture and sound of one length; returns its path.

        audio_path: any sound FFmpeg reads; without it the video is silent and features are needed.
        audio_features_path: features (.npy, .bin); computed from the sound by the encoder when not given.
        start_frame: how many frames later the template is entered.
        start_time, end_time: the part of the sound to say, in seconds.
        fps: of the video; frames are repeated or left out where it is not the features' own (25, wenet 20).
        crf: constant rate factor, lower is better; the codec's usual one when not given. preset: see `media.codecs`.
        frames_dir, frame_format: also write the frames as pictures, `png` or `jpg`.
        provenance: say in every file that it is made, see `media.provenance`.
        progress: called after each frame with the frames done and the frames in all.
        times: filled with the time of each stage.

        Interrupted at any moment, it is continued by the same call, which makes at most 10 s of video again; the result
        is the same to the byte. What is done lies in `{output_path}.partial` until all is.

        Raises the errors of `errors.py`; inputs and outputs are checked before the first frame is made, and nothing
        stands under its final name until it is complete.
        """
        speech = self.plan(audio_features_path, audio_path, start_time, end_time)
        job = self._job(audio_features_path, audio_path, start_frame, start_time, end_time, fps)
        sinks: list[FrameSink] = [
            VideoWriter(
                Path(output_path),
                (self.template.width, self.template.height),
                fps if fps is not None else speech.spec.fps,
                audio_path=speech.audio_path,
                audio_start=speech.start,
                audio_end=speech.end,
                crf=crf,
                preset=preset,
                provenance=provenance,
                job=job,
            )
        ]
        if frames_dir is not None:
            sinks.append(FrameFolderWriter(Path(frames_dir), frame_format, provenance=provenance, job=job))
        self._write(speech, start_frame, fps, sinks, progress, times)
        return Path(output_path)

    def generate_pictures(
        self,
        audio_path: str | Path | None,
        output_dir: str | Path,
        *,
        audio_features_path: str | Path | None = None,
        start_frame: int = 0,
        start_time: float = 0.0,
        end_time: float | None = None,
        fps: float | None = None,
        frame_format: str = "png",
        provenance: bool = True,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> list[Path]:
        """Write the frames as pictures, `frame_00000.png` on, and return their paths; see `generate_video`."""
        speech = self.plan(audio_features_path, audio_path, start_time, end_time)
        job = self._job(audio_features_path, audio_path, start_frame, start_time, end_time, fps)
        sink = FrameFolderWriter(Path(output_dir), frame_format, provenance=provenance, job=job)
        written = self._write(speech, start_frame, fps, [sink], progress, times)
        return [sink.path(index) for index in range(written)]

    def frames(
        self,
        audio_path: str | Path | None = None,
        *,
        audio_features_path: str | Path | None = None,
        start_frame: int = 0,
        start_time: float = 0.0,
        end_time: float | None = None,
    ) -> Frames:
        """The frames themselves, (H, W, 3) uint8 BGR, one by one as they are made; see `generate_video`."""
        speech = self.plan(audio_features_path, audio_path, start_time, end_time)
        return self._generate(speech.windows(), start_frame=start_frame)

    def live(self, start_frame: int = 0) -> LiveSession:
        """A session that is given sound piece by piece and gives each frame as soon as it can be made.

        Raises OptionError without an audio encoder, or for a `start_frame` that does not exist.
        """
        if self.encoder is None:
            raise OptionError("this avatar has no audio encoder; live speech needs one")
        generate = partial(self._generate, steadier=self._steadier())
        return LiveSession(generate, self.encoder, start_frame, **self._silence())

    def _generate(self, windows: Iterable[Window], **options: Any) -> Frames:
        options = {"steadier": self._steadier()} | options
        return generate_frames(
            self.template,
            self.generator,
            windows,
            loop=self.loop,
            blend=self.blend,
            states=self.states,
            **options,
        )

    def _steadier(self) -> Steadier | None:
        return Steadier(self.generator.spec.face) if self.steady else None

    def _silence(self) -> dict[str, Any]:
        """What `plan_speech` wants to know of silence, by its names: gate and rest, where there are both."""
        if self.gate is None or self.blend == REFERENCE:
            return {}
        rest = silence_window(self.encoder) if self.rest is None and self.encoder is not None else self.rest
        return {"gate": self.gate, "rest": rest}

    def plan(
        self,
        features_path: str | Path | None,
        audio_path: str | Path | None,
        start_time: float,
        end_time: float | None,
    ) -> Speech:
        """What is said and in how many frames, checked; the arguments as in `generate_video`. See `plan_speech`."""
        return plan_speech(
            self.generator.spec.audio,
            features_path=features_path,
            audio_path=audio_path,
            encoder=self.encoder,
            start_time=start_time,
            end_time=end_time,
            downmix=self.downmix,
            **(self._silence() if audio_path is not None else {}),
        )

    def _job(
        self,
        features_path: str | Path | None,
        audio_path: str | Path | None,
        start_frame: int,
        start_time: float,
        end_time: float | None,
        fps: float | None,
    ) -> dict[str, Any] | None:
        """Everything that decides which frames come out, or None where the avatar has no fingerprint."""
        if self.fingerprint is None:
            return None
        return describe_versions() | {
            "avatar": self.fingerprint,
            "style": repr((self.blend, self.gate, self.steady, self.loop, self.downmix)),
            "rest": None if self.rest is None else fingerprint_of(self.rest.tobytes()),
            "audio": None if audio_path is None else file_digest(audio_path),
            "features": None if features_path is None else file_digest(features_path),
            "start_frame": start_frame,
            "start_time": start_time,
            "end_time": end_time,
            "fps": fps,
        }

    def _write(
        self,
        speech: Speech,
        start_frame: int,
        fps: float | None,
        sinks: Sequence[FrameSink],
        progress: Progress | None,
        times: StageTimes | None,
    ) -> int:
        """Make the frames and give them to every sink, from where the one stands that has least; returns how many."""
        times = times or StageTimes()
        ratio = exact_rate(fps) / speech.spec.fps if fps is not None else Fraction(1)
        with ExitStack() as stack:
            for sink in sinks:
                stack.enter_context(sink)
            first = min(sink.done for sink in sinks)
            try:
                written = self._write_from(first, speech, start_frame, ratio, sinks, progress, times)
                with times.measure("encode"):
                    for sink in sinks:
                        sink.finish()
            except FrameGenerationError as error:
                if kept := min(sink.done for sink in sinks):
                    error.add_note(f"{kept} frames are kept, the same command goes on with them")
                raise
        return written

    def _write_from(
        self,
        first: int,
        speech: Speech,
        start_frame: int,
        ratio: Fraction,
        sinks: Sequence[FrameSink],
        progress: Progress | None,
        times: StageTimes,
    ) -> int:
        """Write the frames from `first` on, `ratio` for each that is made, and return how many there are in all."""
        skip = min(int(first / ratio), speech.count)  # made frames that need not be made again
        again = max(skip - LOOK_BACK, 0) if self.steady else skip
        made = self._generate(speech.windows(again), start_frame=start_frame, first=again, times=times)
        written = first
        if skip and progress:
            progress(skip, speech.count)

        def write(numbered: tuple[int, Frame]) -> int:
            nonlocal written
            done, frame = numbered
            with times.measure("encode"):
                while written < ceil(done * ratio):
                    for sink in sinks:
                        if written >= sink.done:
                            sink.write(frame)
                    written += 1
            return done

        with ExitStack() as stack:
            stack.enter_context(closing(made))
            # One frame is encoded in a thread of its own while the generator works on the next in this one.
            for done in stack.enter_context(closing(in_parallel(write, enumerate(made, start=again + 1), workers=1))):
                if progress:
                    progress(done, speech.count)
        return written
