"""Turn text into video: speak sentences while the frames of earlier ones are rendered."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.files.fingerprint import describe_versions
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.media.resampling import resampled
from frame_generation_pipeline.speaking.session import Frames
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.speaking.writing import FrameSink, folder_writers, video_writer, write_frames
from frame_generation_pipeline.voice.protocol import RATE, Voice, VoiceSamples, spoken
from frame_generation_pipeline.voice.synthesis import Synthesis, write_wav

AUDIO = "speech.wav"  # the whole audio, in the folder of the unfinished work


def say_video(
    avatar: Avatar,
    text: str,
    output_path: str | Path,
    *,
    voice: Voice,
    start_frame: int = 0,
    fps: float | None = None,
    encoding: Encoding = Encoding(),
    frames_dir: str | Path | None = None,
    progress: Progress | None = None,
    times: StageTimes | None = None,
) -> Path:
    """Write the video `output_path` of the avatar saying `text`; returns its path.

    The frames and the other arguments are those of `Avatar.generate_video` with the same audio. The total that
    `progress` gets is a guess until all sentences are spoken. The same call resumes an interrupted run; sentences that
    are spoken already are not spoken again.

    Raises the errors of `errors.py`; TextError before the first frame if the voice knows that it cannot speak the text.
    """
    output = Path(output_path)
    sentences = voice.check(text)
    audio, spec = avatar.front_end.begin(), avatar.generator.spec.audio
    person, fingerprint = avatar.frames_fingerprint(), None
    if person is not None:
        inputs = {"avatar": person, "text": hashlib.sha256(text.encode()).hexdigest(), "voice": voice.fingerprint}
        fingerprint = describe_versions() | inputs | {"start_frame": start_frame, "fps": fps}
    writer = video_writer(output, avatar.template, spec.fps if fps is None else fps, encoding, fingerprint)
    sinks: list[FrameSink] = [writer, *folder_writers(frames_dir, encoding, fingerprint)]
    times = times or StageTimes()
    avatar.session(start_frame)  # raises now when there is no such frame

    synthesis: Synthesis | None = None

    def windows(synthesis: Synthesis) -> Iterator[Window]:
        for block in resampled(synthesis.blocks(), RATE):
            yield from audio.push(block)
        yield from audio.flush()

    def make(first: int) -> Frames:
        nonlocal synthesis
        synthesis = Synthesis(voice, text, sentences, writer.folder)
        session = avatar.session(start_frame, first=first, times=times, planar=frames_dir is None)
        frames = session.say(islice(windows(synthesis), first, None))
        with closing(frames), synthesis:
            for frame in frames:  # noqa: UP028  # not handed over to them: their end waits for the audio, which ends first
                yield frame
            synthesis.write(writer.folder / AUDIO)
            writer.add_audio(writer.folder / AUDIO)

    def report(done: int, _: int) -> None:
        if progress is not None:
            guess = done if synthesis is None else round(synthesis.seconds() * spec.fps)
            progress(done, max(done, guess))

    write_frames(
        make,
        sys.maxsize,  # the number is known when all sentences are spoken
        sinks,
        rate=spec.fps,
        fps=fps,
        steady=avatar.style.steady,
        progress=report,
        times=times,
    )
    return output


def say_audio(text: str, output_path: str | Path, *, voice: Voice, progress: Progress | None = None) -> Path:
    """Write the audio of `text` as the WAV file `output_path`; returns its path.

    progress: counts sentences. Raises TextError, before the first audio if the voice knows that it cannot speak the
    text; VoiceError; OutputError.
    """
    output, sentences = Path(output_path), voice.check(text)

    def blocks() -> Iterator[VoiceSamples]:
        for number, sentence in enumerate(sentences):
            yield from spoken(voice, text, sentence, number)
            if progress is not None:
                progress(number + 1, len(sentences))

    write_wav(output, blocks())
    return output
