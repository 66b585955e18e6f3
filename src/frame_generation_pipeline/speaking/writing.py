"""Write frames into files, resuming an interrupted run of the same inputs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, Protocol, Self

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import FrameGenerationError
from frame_generation_pipeline.files.fingerprint import describe_versions, file_digest
from frame_generation_pipeline.files.output import keep_inputs
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.media.frames_folder import FrameFolderWriter
from frame_generation_pipeline.media.video_writer import VideoWriter, exact_rate
from frame_generation_pipeline.speaking.session import Frames, Session
from frame_generation_pipeline.speaking.speech import Speech
from frame_generation_pipeline.speaking.stages import StageTimes, in_parallel
from frame_generation_pipeline.template.sequence import FrameSequence

LOOK_BACK = 1  # frames that a resumed run renders again if the mouth is steadied


class FrameSink(Protocol):
    """Takes frames for a video or a folder of images; complete when its `with` block ends without an exception."""

    @property
    def done(self) -> int:
        """The number of frames that a later run with the same fingerprint need not write again."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: Any) -> None: ...

    def write(self, frame: Frame) -> Any:
        """Take the next frame (H, W, 3) uint8 BGR; the first one is frame `done`."""

    def finish(self) -> None:
        """Give everything its final name; the parts stay until the block ends, so that this can be repeated."""


def run_fingerprint(person: str | None, speech: Speech) -> dict[str, Any] | None:
    """Fingerprint of a run: a later run resumes from its partial output only if the two are equal.

    person: fingerprint of the avatar and its style; if it is None, the run has none either.
    Raises MissingFileError.
    """
    if person is None:
        return None
    timing = speech.timing
    return describe_versions() | {
        "avatar": person,
        "audio": None if speech.audio_path is None else file_digest(speech.audio_path),
        "features": None if speech.features_path is None else file_digest(speech.features_path),
        "start_frame": timing.start_frame,
        "start_time": timing.start,
        "end_time": timing.end,
        "fps": timing.fps,
        "audio_track": timing.audio_track,
    }


def video_writer(
    path: str | Path,
    template: FrameSequence,
    fps: float,
    encoding: Encoding,
    fingerprint: Mapping[str, Any] | None,
    speech: Speech | None = None,
) -> VideoWriter:
    """The writer of a video of the template's size, with the audio of the speech if it has any; see `VideoWriter`.

    Raises OutputError also for a video that would replace one of its inputs.
    """
    inputs = () if speech is None else (speech.audio_path, speech.features_path)
    keep_inputs(Path(path), *inputs, template.path if template.path.is_file() else None)
    writer = VideoWriter(
        Path(path),
        (template.width, template.height),
        fps,
        crf=encoding.crf,
        preset=encoding.preset,
        provenance=encoding.provenance,
        fingerprint=fingerprint,
    )
    if speech is not None and speech.audio_path is not None:
        writer.add_audio(speech.audio_path, speech.timing.start, speech.timing.end, speech.timing.audio_track)
    return writer


def folder_writers(
    folder: str | Path | None, encoding: Encoding, fingerprint: Mapping[str, Any] | None
) -> list[FrameFolderWriter]:
    """The writer of a folder of images, see `FrameFolderWriter`; an empty list without a folder."""
    if folder is None:
        return []
    frame_format, provenance = encoding.frame_format, encoding.provenance
    return [FrameFolderWriter(Path(folder), frame_format, provenance=provenance, fingerprint=fingerprint)]


def write_speech(
    session: Callable[..., Session],
    speech: Speech,
    sinks: Sequence[FrameSink],
    progress: Progress | None,
    times: StageTimes | None,
) -> int:
    """Write the frames of a speech and return how many there are; see `write_frames`. session: `Avatar.session`."""
    times, planar = times or StageTimes(), all(isinstance(sink, VideoWriter) for sink in sinks)
    start_frame = speech.timing.start_frame
    begun = session(start_frame)  # raises now if the template has no such frame

    def make(first: int) -> Frames:
        return session(start_frame, first=first, times=times, planar=planar).say(speech.windows(first))

    return write_frames(
        make,
        speech.count,
        sinks,
        rate=speech.spec.fps,
        fps=speech.timing.fps,
        steady=begun.steady,
        progress=progress,
        times=times,
    )


def write_frames(
    make: Callable[[int], Frames],
    count: int,
    sinks: Sequence[FrameSink],
    *,
    rate: int,
    fps: float | None,
    steady: bool,
    progress: Progress | None,
    times: StageTimes,
) -> int:
    """Render frames and give them to every sink, beginning with the first that a sink lacks; returns the total.

    make: yields the frames from a given number on, of `count`. rate: frames that it gives for a second of audio.
    fps: frames to write for a second; frames are repeated or dropped for it. None: `rate`.
    steady: whether a frame depends on the one before it, so that a resumed run renders that one again.

    Raises the errors of rendering and writing, with a note that says how many frames are kept for the next run.
    """
    ratio = Fraction(1) if fps is None else exact_rate(fps) / rate  # frames to write for each rendered one
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        first = min(sink.done for sink in sinks)
        skip = min(int(first / ratio), count)  # rendered frames that are not needed again
        again = max(skip - LOOK_BACK * steady, 0)
        if skip and progress:
            progress(skip, count)
        try:
            written = _write_from(first, again, make(again), count, sinks, ratio, progress, times)
            with times.measure("encode"):
                for sink in sinks:
                    sink.finish()
        except FrameGenerationError as error:
            if kept := min(sink.done for sink in sinks):
                error.add_note(f"{kept} frames are kept, the same command goes on with them")
            raise
    return written


def _write_from(
    first: int,
    again: int,
    frames: Frames,
    count: int,
    sinks: Sequence[FrameSink],
    ratio: Fraction,
    progress: Progress | None,
    times: StageTimes,
) -> int:
    """Write the frames from `first` on; `frames` begins with frame `again`. Returns the total."""
    written = first

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

    # Another thread encodes a frame while the engine renders the next ones.
    with closing(frames), closing(in_parallel(write, enumerate(frames, start=again + 1), workers=1)) as writing:
        for done in writing:
            if progress:
                progress(done, count)
    return written
