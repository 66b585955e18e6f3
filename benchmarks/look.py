"""How an avatar looks in silence, with --steady and where its recording starts over: the tables of docs/look.md.

python -m benchmarks.look speech.wav [--avatar may.avatar]

speech.wav: 3 s of speech or more. Three seconds of noise at -58 dB of full scale follow, then one second of speech.
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import soundfile

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.evaluate import figures
from frame_generation_pipeline.evaluate.track import GroundTruth, Track
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.media.level import SILENCE
from frame_generation_pipeline.spec import SAMPLE_RATE
from frame_generation_pipeline.template.loop import CROSSFADE, PINGPONG, Loop, ShownFrame
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.weights import PRESENTER

SPOKEN, PAUSE, NOISE = 3.0, 3.0, -58.0  # s, s, dB of full scale
FADED = 0.4  # s of the pause at either end in which the mouth may still move
SMALLER = 0.25  # of a frame's size, at which frames are compared


def with_pause(speech: Path, path: Path) -> None:
    """Write speech, a pause and speech again, all with a little noise."""
    spoken = np.concatenate(list(decode_audio(speech, end=SPOKEN)))
    audio = np.concatenate([spoken, np.zeros(round(PAUSE * SAMPLE_RATE)), spoken[:SAMPLE_RATE]])
    audio += 10 ** (NOISE / 20) * np.random.default_rng(0).standard_normal(len(audio))
    soundfile.write(path, audio.clip(-1, 1), SAMPLE_RATE)


def print_silence(avatar: Avatar, audio: Path) -> None:
    """The lips in the pause, and what `--steady` does to them and to the pixels everywhere."""
    fps = avatar.generator.spec.audio.fps
    count = round(soundfile.info(audio).duration * fps)
    frames = [avatar.template.read(avatar.template.index(i)) for i in range(count)]
    landmarker = FaceLandmarker(threads=1)
    truths = [GroundTruth.of(frame.image, frame.box, landmarker) for frame in frames]

    def track(images: Iterable[Frame]) -> Track:
        silence_track = Track(count, avatar.generator.spec.face, landmarker)
        for i, image in enumerate(images):
            silence_track.add(i, image, truths[i], frames[i].image)
        return silence_track

    ways = {
        "the recording's own frames": track(frame.image for frame in frames),
        "no gate": track(replace(avatar, style=replace(avatar.style, gate=None)).frames(audio)),
        "gate": track(avatar.frames(audio)),
        "gate, steady": track(replace(avatar, style=replace(avatar.style, steady=True)).frames(audio)),
    }
    inside = np.zeros(count)
    inside[round((SPOKEN + FADED) * fps) : round((SPOKEN + PAUSE - FADED) * fps)] = 2 * SILENCE
    print_header(
        "", "change in the pause, %", "opening in the pause, %", "jitter of the pixels", "of the lips", "sharpness"
    )
    own = ways["the recording's own frames"]
    for name, silence_track in ways.items():
        change = figures.silence_motion(silence_track["opening"], inside).number
        opening = 100 * np.nanmean(silence_track["opening"][inside < 0])
        pixels = figures.ratio(silence_track["flicker"], own["flicker"], "").number
        lips = figures.ratio(figures.point_jitter(silence_track.lips), figures.point_jitter(own.lips), "").number
        sharp = figures.ratio(silence_track["sharpness"], own["sharpness"], "").number
        print_row(name, f"{change:.2f}", f"{opening:.1f}", *(f"{ratio:.3f}" for ratio in (pixels, lips, sharp)))
    steadied, plain = ways["gate, steady"]["opening"], ways["gate"]["opening"]
    print(f"\ncorrelation of the opening, steady with not: {figures.opening_correlation(steadied, plain).number:.4f}")


def print_loop(avatar: Avatar) -> None:
    """The largest step from frame to frame where the recording turns round or starts over, in levels."""
    count, known = len(avatar.template), {}

    def small(index: int) -> npt.NDArray[Any]:
        if index not in known:
            image = avatar.template.read(index).image
            known[index] = cv2.resize(image, None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA).astype(float)
        return known[index]

    def image(shown: ShownFrame) -> npt.NDArray[Any]:
        return (1 - shown.share) * small(shown.index) + shown.share * small(shown.into)

    usual = [np.abs(small(i) - small(i + 1)).mean() for i in range(0, count - 1, 3)]
    print(f"neighbours: median {np.median(usual):.2f}, 95 % {np.quantile(usual, 0.95):.2f} levels;", end=" ")
    print(f"a hard cut {np.abs(small(count - 1) - small(0)).mean():.2f}")
    whole = Loop(CROSSFADE, 0, count)
    for name, loop in ((PINGPONG, Loop()), ("ends as they are", whole), (CROSSFADE, Loop(CROSSFADE))):
        loop = loop.matched(avatar.template.boxes)
        length = len(loop.frames(count))
        places = [loop.shown(i, count) for i in range(max(length - 20, 0), length + 20)]
        steps = [np.abs(image(a) - image(b)).mean() for a, b in itertools.pairwise(places)]
        print(f"{name}: {loop.frames(count)}, largest step {max(steps):.2f}")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--avatar", type=Path, default=PRESENTER)
    arguments = parser.parse_args()
    avatar = Avatar.load(arguments.avatar)
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "pause.wav")
        with_pause(arguments.speech, audio)
        print_silence(avatar, audio)
    print_loop(avatar)


if __name__ == "__main__":
    main()
