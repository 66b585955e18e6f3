"""Prepare a template from a recording, in steps that can be resumed."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from frame_generation_pipeline.errors import OutputError, VideoError, library_errors
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.files.json_file import read_json
from frame_generation_pipeline.files.output import complete_file, prepare_folder, writing
from frame_generation_pipeline.files.partial import LOCK, SUFFIX, alone
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.files.room import check_room
from frame_generation_pipeline.making.encoder import open_encoder
from frame_generation_pipeline.media.video_reader import read_image, write_image
from frame_generation_pipeline.prepare.av_offset import check_offset, correct_offset
from frame_generation_pipeline.prepare.covered import shows_lips
from frame_generation_pipeline.prepare.cuts import find_cuts, find_scenes
from frame_generation_pipeline.prepare.identity import Description, Part, describe, is_another, parts_to_compare
from frame_generation_pipeline.prepare.observation import VALUES, Observation, Observer
from frame_generation_pipeline.prepare.recording import Recording
from frame_generation_pipeline.prepare.report import NO_LIPS, write_report
from frame_generation_pipeline.prepare.selection import Problem, Range, find_problems, select
from frame_generation_pipeline.prepare.smoothing import BOX_POINTS, jitter, motion
from frame_generation_pipeline.prepare.template_files import has_links, write_audio, write_frames
from frame_generation_pipeline.prepare.upright import check_upright
from frame_generation_pipeline.speaking.stages import prefetch
from frame_generation_pipeline.template.prepared import SUMMARY

logger = logging.getLogger(__name__)

VERSION = 6  # version of the result; templates of other versions are prepared anew
QUALITY = 95  # of the frames' JPEG
REPORT = "report.html"


@dataclass(frozen=True)
class Preparation:
    """A new template, and figures of its recording."""

    folder: Path
    frames: int  # of the template
    observed: int  # frames of the recording, at the template's rate
    with_face: int  # of these
    summary: dict[str, Any]  # the contents of `prepare.json`


@library_errors("the recording could not be prepared")
def prepare(
    recording_path: str | Path,
    output_dir: str | Path,
    *,
    encoder: str | Path | None = None,
    mode: str | None = None,
    audio: str | Path | None = None,
    audio_track: int | None = None,
    av_offset: int | None = None,
    further: Callable[[int, int], int] = lambda frames, size: 0,
    progress: Update = lambda done, total, note="": None,
) -> Preparation:
    """Prepare the template folder `output_dir` from a video of one person who talks.

    It holds `full_body_img/`, `landmarks/`, the audio of exactly these frames as `aud.wav` (16 kHz, mono), its features
    as `aud_{type}.npy`, `report.html` and `prepare.json`; without audio in the recording, no audio and no features.
    encoder, mode: a checkpoint or audio program, or the type of a built-in one; by default that for the features of the
    presenter, see `open_encoder`.
    audio: a file whose audio replaces the video's, see `Recording.open`.
    audio_track: number, from 1, of the audio track in that file; see `audio_track.audio_stream`.
    av_offset: milliseconds by which the audio comes after the lips; by default measured, see `correct_offset`.
    further: (frames, bytes of a frame) -> bytes that later steps need.
    progress: called after each frame with the number of frames done and the approximate total.

    During the work, everything is in `{output_dir}.partial`; the same call resumes from there with the same result.
    Raises MissingFileError, VideoError when there is nothing to use, AudioError for `audio`, what an encoder raises,
    OptionError for `av_offset` and `mode`, OutputError for a folder that cannot be written, has no room, holds
    something else or that another run is making; LibraryError.
    """
    output = Path(output_dir)
    recording = Recording.open(recording_path, audio, audio_track)
    check_offset(recording, av_offset)
    program = open_encoder(encoder, mode)
    source = {
        "version": VERSION,
        "source": recording.path.name,
        "sha256": file_digest(recording.path),
        "features": program.spec.name,
        "fps": program.spec.fps,
        "av offset": av_offset,
    }
    if audio is not None:
        source |= {"audio": recording.audio_path.name, "audio sha256": file_digest(recording.audio_path)}
    if audio_track is not None:
        source["audio track"] = audio_track
    if output.exists():
        return _finished(output, source)
    work = output.with_name(output.name + SUFFIX)
    with alone(work, output):
        _begin(work, source)
        check_upright(recording, program.spec.fps)
        _check_room(recording, program.spec.fps, work, further)
        observations, (width, height) = _observe(recording, program.spec.fps, work, progress)
        problems = find_problems(observations, width, height, find_scenes(observations))
        offset, recording, problems = correct_offset(recording, observations, problems, program.spec.fps, av_offset)
        cuts = find_cuts(observations)
        if not shows_lips([seen.mouth for seen in observations if seen.face]):
            logger.warning("%s: %s", recording.path, NO_LIPS)
        others = _other_people(observations, problems, cuts, work / _OBSERVED)
        ranges = select(observations, problems, program.spec.fps, cuts)
        if not ranges:
            counted = ", ".join(
                f"{problems.count(problem)} frames {problem}" for problem in Problem if problem in problems
            )
            raise VideoError(
                f"{recording.path}: no second of it shows a face that can be used ({counted or 'too short'});"
                " film one person from the front, the whole face in the image"
            )
        summary = source | _summary(recording, observations, problems, cuts, ranges, (width, height), program.spec.fps)
        times = [seen.number / program.spec.fps for seen in observations]
        spans = [(times[part.first], times[part.stop - 1]) for part in others]
        summary |= {"other people": spans, "audio and lips": offset.to_json()}
        if spans:
            logger.warning(
                "%s: after a cut, at %s, another person may be speaking; cut that out if so",
                recording.path,
                ", ".join(f"{first:.1f} to {last:.1f} s" for first, last in spans),
            )
        with writing(work):
            write_frames(work, work / _OBSERVED, observations, ranges)
            if recording.seconds:
                write_audio(work, recording, observations, ranges, program)
            write_report(work / REPORT, work, summary, observations, problems, ranges)
            with complete_file(work / SUMMARY) as temporary:
                temporary.write_text(json.dumps(summary, indent=2) + "\n")
            for leftover in (work / _RECORDS, work / _SETTINGS):
                leftover.unlink()
            shutil.rmtree(work / _OBSERVED)
            (work / LOCK).unlink(missing_ok=True)
            work.rename(output)
        return _preparation(output, summary)


# In the working folder, beside what becomes the template:
_RECORDS, _OBSERVED, _SETTINGS = "records.f32", "observed", "settings.json"


def _begin(work: Path, source: dict[str, Any]) -> None:
    """Create the working folder, or check that it belongs to the same recording."""
    settings = work / _SETTINGS
    if settings.exists() and _read(settings) != source:
        raise OutputError(f"{work}: holds the beginning of another preparation; remove it or choose another output")
    if not settings.exists() and any(path.name != LOCK for path in work.iterdir()):
        raise OutputError(f"{work}: holds other files than a preparation's; move it away or choose another output")
    prepare_folder(work / _OBSERVED)
    if not settings.exists():
        with complete_file(settings) as temporary:
            temporary.write_text(json.dumps(source, indent=2) + "\n")


def _other_people(
    observations: Sequence[Observation], problems: Sequence[Problem | None], cuts: Sequence[int], observed: Path
) -> list[Part]:
    """The parts between cuts that seem to show another person than the longest part."""
    if not cuts:
        return []

    def described(part: Part) -> list[Description]:
        seen = [(observations[index].number, observations[index].face) for index in part.frames]
        return [describe(read_image(observed / f"{number}.jpg"), face) for number, face in seen if face]

    main, parts = parts_to_compare(observations, [problem is None for problem in problems], cuts)
    own = described(main)
    return [part for part in parts if is_another(own, described(part))]


def _check_room(recording: Recording, fps: int, work: Path, further: Callable[[int, int], int]) -> None:
    """Check the disk space for all frames, if each is as large as the first, and for later steps."""
    with closing(recording.frames(fps)) as frames:
        image = next((image for _, image in frames), None)
    if image is not None:
        size = len(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]) + 4 * VALUES
        count = recording.expected(fps)
        left = max(count - sum(1 for _ in (work / _OBSERVED).iterdir()), 0)
        times = 1 if has_links(work) else 2
        check_room(work, times * left * size + further(count, size), f"about {count} frames and what is made of them")


def _finished(output: Path, source: dict[str, Any]) -> Preparation:
    summary = output / SUMMARY
    if not summary.is_file():
        raise OutputError(f"{output}: exists and is no prepared template; choose another output")
    before = _read(summary)
    if any(before.get(name) != value for name, value in source.items()):
        raise OutputError(f"{output}: was prepared from {before.get('source')} or otherwise; choose another output")
    return _preparation(output, before)


def _read(path: Path) -> dict[str, Any]:
    """The summary of an earlier preparation; empty if the file is damaged."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _preparation(folder: Path, summary: dict[str, Any]) -> Preparation:
    return Preparation(folder, summary["frames"], summary["observed"], summary["with_face"], summary)


def _observe(recording: Recording, fps: int, work: Path, progress: Update) -> tuple[list[Observation], tuple[int, int]]:
    """Observe the frames that no earlier run has observed, and store their images; also returns width and height."""
    observations = _read_records(work / _RECORDS)
    done = len(observations)
    last_face = next((seen.face for seen in reversed(observations) if seen.face), None)
    observer = Observer(observations[-1] if observations else None, last_face)
    total = recording.expected(fps)
    size = (0, 0)
    with closing(prefetch(recording.frames(fps))) as frames, (work / _RECORDS).open("ab") as records:
        for index, (number, image) in enumerate(frames):
            size = (image.shape[1], image.shape[0])
            if index < done:
                if index == done - 1:
                    observer.remember(image)
                continue
            write_image(work / _OBSERVED / f"{number}.jpg", image, QUALITY)
            observations.append(observer.observe(number, image))
            records.write(observations[-1].to_record().tobytes())
            records.flush()
            progress(index + 1, max(total, index + 1))
    return observations, size


def _read_records(path: Path) -> list[Observation]:
    """Read the complete records of an earlier run; removes an incomplete last record."""
    if not path.exists():
        return []
    count = path.stat().st_size // (4 * VALUES)
    with path.open("r+b") as file:
        file.truncate(count * 4 * VALUES)
    records = np.fromfile(path, np.float32).reshape(-1, VALUES)
    return [Observation.from_record(record) for record in records]


def _summary(
    recording: Recording,
    observations: Sequence[Observation],
    problems: Sequence[Problem | None],
    cuts: Sequence[int],
    ranges: Sequence[Range],
    size: tuple[int, int],
    fps: int,
) -> dict[str, Any]:
    firsts = np.cumsum([0, *map(len, ranges)])

    def figures(kind: str) -> dict[str, float]:
        parts = [getattr(part, kind) for part in ranges]
        weights = list(map(len, ranges))
        boxes = [part[:, BOX_POINTS] for part in parts]
        return {
            "motion": float(np.average(list(map(motion, parts)), weights=weights)),
            "jitter": float(np.average(list(map(jitter, parts)), weights=weights)),
            "box motion": float(np.average(list(map(motion, boxes)), weights=weights)),
            "box jitter": float(np.average(list(map(jitter, boxes)), weights=weights)),
        }

    return {
        "width": size[0],
        "height": size[1],
        "has audio": bool(recording.seconds),
        "audio offset": recording.alignment.offset,
        "audio drift": recording.alignment.drift,
        "observed": len(observations),
        "with_face": sum(observation.face is not None for observation in observations),
        "lips seen": shows_lips([observation.mouth for observation in observations if observation.face]),
        "two_faces": sum(observation.others > 0 for observation in observations),
        "problems": {problem.value: problems.count(problem) for problem in Problem if problem in problems},
        "cuts": [observations[index].number / fps for index in cuts],
        "frames": int(firsts[-1]),
        "ranges": [
            {"first": int(first), "frames": len(part), "start": observations[part.first].number / fps}
            for first, part in zip(firsts, ranges, strict=False)
        ],
        "landmarks before": figures("raw"),
        "landmarks after": figures("landmarks"),
    }
