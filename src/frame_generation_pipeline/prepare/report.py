"""Write a page about a recording, with images and advice on what to film better."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.level import SILENCE, frame_levels
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.prepare.observation import Observation
from frame_generation_pipeline.prepare.selection import SMALL_BOX, Problem, Range
from frame_generation_pipeline.report.page import Page
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.prepared import AUDIO
from frame_generation_pipeline.template.template import FRAMES
from frame_generation_pipeline.tracking.lips import lip_opening

SHEET, COLUMNS, THUMBNAIL = 12, 6, 240  # images on the contact sheet, in a row, and their height in pixels
EXAMPLES = 3  # images of each kind of problem
CLOSED = 0.02  # opening of the lips below which the mouth is closed
DARK, LIGHT = 60.0, 200.0  # mean grey levels of a face
SHORT = 60.0  # seconds; a shorter recording gives little to train on
NO_LIPS = "lips have no colour of their own: check that nothing is before the mouth all along"
GREEN, RED = (80, 200, 80), (60, 60, 230)


def write_report(
    path: Path,
    template: Path,
    summary: dict[str, Any],
    observations: Sequence[Observation],
    problems: Sequence[Problem | None],
    ranges: Sequence[Range],
) -> None:
    """Write the page. template: its folder, with the images and, if there is audio, `aud.wav`."""
    fps = summary["fps"]
    used = [observation for part in ranges for observation in observations[part.first : part.first + len(part)]]
    openings = [lip_opening(seen.face.points) if seen.face else float("nan") for seen in used]
    loudness = list(frame_levels(decode_audio(template / AUDIO), fps)) if summary["has audio"] else []
    share = summary["with_face"] / summary["observed"]
    page = Page(
        f"Preparing {summary['source']}",
        f"{summary['frames']} of {summary['observed']} frames are used, {share:.1%} show a face.",
    )
    page.heading("What to film better")
    page.list(advice(summary, openings, loudness, used, ranges) or ["Nothing: this is a good recording."])
    page.heading("What is used")
    page.image(_contact_sheet(template, ranges), "Frames of the template, with the face's box and landmarks.")
    if summary["audio drift"]:
        page.paragraph(
            f"The audio's own clock differs from the video's by {summary['audio drift']} ppm, which is corrected."
        )
    if summary["has audio"]:
        page.paragraph(f"Lips and audio: {summary['audio and lips']['says']}.")
    curves = {"lip opening": (_seconds(openings, fps), openings)}
    page.chart(curves, x="seconds", y="face scales", caption="How far the lips are apart; about 0 is closed.")
    if loudness:
        curves = {"audio": (_seconds(loudness, fps), loudness)}
        page.chart(curves, x="seconds", y="dB", caption="The audio's level in each frame.")
    page.heading("Problems")
    kinds = {problem: [float(found == problem) for found in problems] for problem in Problem if problem in problems}
    if kinds:
        timeline = {kind.value: (_seconds(marks, fps), marks) for kind, marks in kinds.items()}
        page.chart(timeline, x="seconds", y="", caption="Where frames have problems.")
        for kind in kinds:
            if examples := _examples(template, observations, problems, kind):
                page.image(np.hstack(examples), f"Frames with the problem: {kind.value}.")
    page.table(
        ("problem", "frames"), [*summary["problems"].items(), ("second face in the image", summary["two_faces"])]
    )
    page.heading("Steadiness")
    page.paragraph(
        "Mean distance in pixels that the landmarks move from frame to frame (motion), and mean length of the change of"
        " that (jitter), before and after filtering."
    )
    before, after = summary["landmarks before"], summary["landmarks after"]
    page.table(("", "before", "after"), [(name, f"{before[name]:.2f}", f"{after[name]:.2f}") for name in before])
    page.write(path)


def advice(
    summary: dict[str, Any],
    openings: Sequence[float],
    loudness: Sequence[float],
    used: Sequence[Observation],
    ranges: Sequence[Range],
) -> list[str]:
    """Sentences of advice for a better avatar; empty if nothing is wrong."""
    fps = summary["fps"]
    lines = []
    seconds = summary["frames"] / fps
    if not summary["has audio"]:
        lines.append("There is no audio: the frames can be spoken over, but nothing can be trained from them.")
    if seconds < SHORT:
        lines.append(f"{seconds:.0f} s are used; two to five minutes of varied speech teach the mouth much better.")
    problems = summary["problems"]
    hints = {
        Problem.NO_FACE: "keep the face free and in the image",
        Problem.CUT_OFF: "leave room around the face, below the chin too",
        Problem.TOO_SMALL: "come closer to the camera",
        Problem.LYING: "turn the recording until the face stands upright",
        Problem.TURNED: "look towards the camera",
        Problem.COVERED: "keep hands and microphones away from the mouth",
        Problem.BLURRED: "use more light or a shorter exposure, and move less",
    }
    lines += [f"{problems[kind]} frames: {kind.value}; {hint}." for kind, hint in hints.items() if kind in problems]
    if not summary["lips seen"]:
        lines.append(f"{NO_LIPS.capitalize()}.")
    if cuts := summary["cuts"]:
        places = ", ".join(f"{seconds:.1f}" for seconds in cuts[:10]) + (", ..." if len(cuts) > 10 else "")
        lines.append(
            f"The recording jumps at {len(cuts)} places ({places} s): it is taken apart there. Make sure that it shows"
            " the same person everywhere, and better film one uninterrupted take."
        )
    for first, last in summary["other people"]:
        lines.append(
            f"After the cut, from {first:.1f} to {last:.1f} s, another person may be speaking: cut that out if so."
        )
    if len(ranges) > 1:
        lines.append(f"The recording was cut into {len(ranges)} parts; one uninterrupted take gives a steadier avatar.")
    boxes = [int(part.landmarks[:, 31, 0].mean() - part.landmarks[:, 1, 0].mean()) for part in ranges]
    if min(boxes) < SMALL_BOX:
        lines.append(f"The face is {min(boxes)} pixels wide; 300 or more show teeth and lips sharply.")
    if summary["two_faces"]:
        lines.append("There is a second face in some frames; film one person alone.")
    resting = _longest(opening < CLOSED for opening in openings) / fps
    if resting < 0.5:
        lines.append("The mouth never rests closed for half a second; pause with closed lips now and then.")
    if loudness and _longest(level < SILENCE for level in loudness) / fps < 0.5:
        lines.append("There is no half second of silence; pause now and then, in a quiet room.")
    light = float(np.median([seen.light for seen in used if seen.face]))
    if not DARK < light < LIGHT:
        lines.append(
            "The face is very dark; use more light." if light <= DARK else "The face is overexposed; use less light."
        )
    return lines


def _longest(marks: Any) -> int:
    return max((len(list(run)) for mark, run in groupby(marks) if mark), default=0)


def _seconds(values: Sequence[float], fps: int) -> list[float]:
    return [index / fps for index in range(len(values))]


def _contact_sheet(template: Path, ranges: Sequence[Range]) -> npt.NDArray[np.uint8]:
    landmarks = [points for part in ranges for points in part.landmarks]
    chosen = np.linspace(0, len(landmarks) - 1, min(SHEET, len(landmarks))).round().astype(int)
    images = []
    for number in chosen:
        image = read_image(template / FRAMES / f"{number}.jpg")
        box = CropBox.from_landmarks(landmarks[number].astype(np.int32))
        thickness = max(1, image.shape[0] // 300)
        cv2.rectangle(image, (box.x, box.y), (box.x + box.size, box.y + box.size), GREEN, thickness)
        for x, y in landmarks[number]:
            cv2.circle(image, (round(float(x)), round(float(y))), thickness, RED, -1)
        images.append(_thumbnail(image, str(number)))
    images += [np.zeros_like(images[0])] * (-len(images) % COLUMNS)
    return np.vstack([np.hstack(images[row : row + COLUMNS]) for row in range(0, len(images), COLUMNS)])


def _examples(
    template: Path, observations: Sequence[Observation], problems: Sequence[Problem | None], kind: Problem
) -> list[npt.NDArray[np.uint8]]:
    found = [index for index, problem in enumerate(problems) if problem == kind]
    chosen = {found[round(place)] for place in np.linspace(0, len(found) - 1, EXAMPLES)}
    numbers = [observations[index].number for index in sorted(chosen)]
    return [_thumbnail(read_image(template / "observed" / f"{number}.jpg"), str(number)) for number in numbers]


def _thumbnail(image: npt.NDArray[np.uint8], label: str) -> npt.NDArray[np.uint8]:
    width = round(image.shape[1] * THUMBNAIL / image.shape[0])
    small = np.asarray(cv2.resize(image, (width, THUMBNAIL), interpolation=cv2.INTER_AREA), np.uint8)
    cv2.putText(small, label, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(small, label, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return small
