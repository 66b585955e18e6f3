"""Speech that the streaming encoder learns from, and what it is to learn of it.

python -m studio.streaming_encoder_data many accents human.wav ... -o speech.npz

A folder is what `python -m studio.presenter speech --unseen` wrote, as `presenter/build.sh` calls it for `many` voices
and `accents`. What mouths do in audio files is not known: they teach features. Leave out the voices of
`presenter/voices.HELD_OUT`. With `--varied`, one that is named several times is varied in as many ways.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.audio.streaming import SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN
from frame_generation_pipeline.audio.whisper import FFT_SIZE, HOP
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.making.encoder import open_encoder
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import SAMPLE_RATE, WHISPER
from studio.presenter.encoded_speech import NAMES, truth_of
from studio.presenter.speech import AUDIO
from studio.presenter.timing import on_frames
from studio.presenter.voices import Utterance
from studio.streaming_encoder import SKIPPED, StreamingEncoder
from studio.streaming_encoder_variation import varied

FAINTEST = 1e-7  # power of a band; less is kept as this
AT_ONCE = 6000  # columns


@dataclass(frozen=True)
class Speech:
    """Recordings behind one another, of N frames.

    Attributes:
        powers: (4 N + 125 or more, 80) float16, logarithms to base 10 of the bands' powers; feature i is computed from
            the 125 columns from 4 i + 1 on.
        truth: (N, len(NAMES)) float32, the mouth of each frame, `encoded_speech.NAMES`; NaN where it is not known.
        taught: (N, 256) float32, features of the type `whisper`.
    """

    powers: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    taught: npt.NDArray[Any]

    @classmethod
    def of(cls, recordings: Sequence[Path], random: np.random.Generator | None = None) -> "Speech":
        """Folders and audio files, at one level; with `random`, varied."""
        parts, truths = [], []
        for path in recordings:
            samples = np.concatenate(list(decode_audio(path / AUDIO if path.is_dir() else path)))
            levelled, frames = on_frames(Utterance(samples, SAMPLE_RATE, [], path.stem, ""))
            truth = truth_of(path) if path.is_dir() else np.full((frames, len(NAMES)), np.nan, np.float32)
            for part, known in varied(levelled, truth, random) if random else [(levelled, truth)]:
                parts.append(part)
                truths.append(known)
        audio = np.concatenate(parts)
        taught = extract_features([audio], open_encoder(None, WHISPER.name)).values
        return cls(bands(audio), np.concatenate(truths), taught)

    @classmethod
    def read(cls, path: Path) -> "Speech":
        """A file that `write` wrote."""
        with np.load(path) as file:
            return cls(file["powers"], file["truth"], file["taught"])

    @classmethod
    def joined(cls, parts: Sequence["Speech"]) -> "Speech":
        """Speeches behind one another."""
        last = parts[-1].powers[4 * len(parts[-1].truth) :]
        return cls(
            np.concatenate([*(part.powers[: 4 * len(part.truth)] for part in parts), last]),
            np.concatenate([part.truth for part in parts]),
            np.concatenate([part.taught for part in parts]),
        )

    def write(self, path: Path) -> None:
        """As .npz."""
        with complete_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, powers=self.powers, truth=self.truth, taught=self.taught)


def bands(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """See `Speech.powers`."""
    padded = torch.from_numpy(np.pad(audio, (SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN)))[SKIPPED:]
    columns, encoder, parts = (len(padded) - FFT_SIZE) // HOP + 1, StreamingEncoder(), []
    for first in range(0, columns, AT_ONCE):
        part = padded[first * HOP : (min(first + AT_ONCE, columns) - 1) * HOP + FFT_SIZE]
        with torch.inference_mode():
            parts.append(encoder.powers(part[None])[0].clamp_min(FAINTEST).log10().T.numpy().astype(np.float16))
    return np.concatenate(parts)


def main() -> None:
    """Read, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--varied", type=int, metavar="SEED", help="tempo, pitch and throats, at random")
    arguments = parser.parse_args()
    random = None if arguments.varied is None else np.random.default_rng(arguments.varied)
    speech = Speech.of(arguments.recordings, random)
    speech.write(arguments.output)
    known = ~np.isnan(speech.truth[:, 0])
    print(f"{len(known) / WHISPER.fps:.0f} s, the phones of {known.mean():.0%} are known")


if __name__ == "__main__":
    main()
