"""Fits what tells the presenter's lips from audio features alone, by which `prepare` finds how far audio is off.

python -m studio.opening -o src/frame_generation_pipeline/weights/presenter_opening.npy [--kokoro work/kokoro]

Sentences by many voices are taken as they are and in rooms and noise, and the rules of `presenter/visemes.py` say how
far their phones part the lips; no image is needed. It is a ridge regression on the window of features around a frame
(A. E. Hoerl and R. W. Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12(1),
1970).
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.making.encoder import open_encoder
from frame_generation_pipeline.prepare.expected_openings import expected_openings
from frame_generation_pipeline.spec import WHISPER
from frame_generation_pipeline.tracking.lag import measure_lag
from studio.presenter.encoded_speech import disturbed, features
from studio.presenter.timing import on_frames
from studio.presenter.visemes import FPS, track
from studio.presenter.voices import speeches

COMPONENTS = 64  # values of each feature, the first ones: features are principal components
RIDGE = 0.01  # of the mean variance of a value
LIPS = 1 / 3  # what the lips' own motion adds to the jaw's

Curve = npt.NDArray[np.float64]


def opening(moves: dict[str, Curve]) -> Curve:
    """How far articulators part the lips, in a unit of its own; 0 where they are closed."""
    return (moves["jaw"] + LIPS * (moves["drop"] + moves["raise_"])) * (1 - moves["seal"])


def speech(seconds: float, seed: int, kokoro: Path | None) -> tuple[npt.NDArray[np.float32], Curve]:
    """Samples at 16 kHz of sentences by voices in turn, and the opening in each frame."""
    spoken = [(on_frames(utterance), utterance.phones) for utterance in speeches(seconds, seed, kokoro)]
    samples = np.concatenate([audio for (audio, _), _ in spoken])
    return samples, np.concatenate([opening(track(phones, frames)[1]) for (_, frames), phones in spoken])


def fit(values: npt.NDArray[np.float32], openings: Curve) -> npt.NDArray[np.float16]:
    """Features (N, 256) and openings (N,) -> (16, COMPONENTS), see `expected_openings`."""
    windows = np.stack([feature_window(values, index, WHISPER)[:, :COMPONENTS] for index in range(len(values))])
    flat = windows.reshape(len(windows), -1).astype(np.float64)
    flat -= flat.mean(axis=0)
    squares = flat.T @ flat / len(flat)
    squares[np.diag_indices_from(squares)] += RIDGE * np.trace(squares) / len(squares)
    weights = np.linalg.solve(squares, flat.T @ (openings - openings.mean()) / openings.std() / len(flat))
    return weights.reshape(windows.shape[1:]).astype(np.float16)


def main() -> None:
    """Fit and write; then a figure of other sentences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, help=".npy")
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--kokoro", type=Path, help="folder of Kokoro's model and voices, for more voices")
    arguments = parser.parse_args()
    samples, openings = speech(arguments.seconds, arguments.seed, arguments.kokoro)
    encoder = open_encoder(None, WHISPER.name)
    noisy = features(disturbed(samples, np.random.default_rng(arguments.seed)), encoder)
    weights = fit(np.concatenate([features(samples, encoder), noisy]), np.tile(openings, 2))
    np.save(arguments.output, weights)
    samples, openings = speech(arguments.seconds / 6, arguments.seed + 1, arguments.kokoro)
    lag = measure_lag(expected_openings(features(samples, encoder), weights), openings, FPS)
    print(f"other sentences: {lag}")


if __name__ == "__main__":
    main()
