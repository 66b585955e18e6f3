"""How widely openings of the lips spread that a linear map predicts from audio, by how much unusual ones weigh.

python -m benchmarks.openings dataset/may ... [--shares 0 0.5 0.7 1]

It is the quick look at `--opening` of `framegen train`: for each of five parts of a template, a map of the windows of
features (their principal components) that minimizes the weighed L1 is learned from the others and applied to the part.
The spread is the standard deviation of all these openings, relative to the recording's.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.spec import WINDOW
from frame_generation_pipeline.template.prepared import find_features
from frame_generation_pipeline.template.rest import lip_openings
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.opening_weights import opening_weights

PARTS, COMPONENTS, ROUNDS = 5, 24, 40
SMALLEST = 2e-3  # error of an opening, from which on L1 is as it is; below, it is a square

Values = npt.NDArray[np.float64]


def predicted_openings(windows: Values, openings: Values, share: float) -> Values:
    """The openings (n,) that maps learned from the other parts predict from `windows` (n, k)."""
    count = len(openings)
    predicted = np.empty(count)
    for part in np.array_split(np.arange(count), PARTS):
        rest = np.setdiff1d(np.arange(count), np.arange(part[0] - WINDOW, part[-1] + 1 + WINDOW))
        centred = windows - windows[rest].mean(axis=0)
        values, vectors = np.linalg.eigh(centred[rest] @ centred[rest].T)
        axes = centred[rest].T @ vectors[:, -COMPONENTS:] / values[-COMPONENTS:]
        inputs = np.c_[centred @ axes, np.ones(count) / np.sqrt(len(rest))]
        weights = opening_weights(openings[rest], openings[rest], share).astype(float)
        scales, coefficients = weights, np.zeros(COMPONENTS + 1)
        for _ in range(ROUNDS):  # L1 by squares that are weighed anew
            by = np.sqrt(scales)
            coefficients = np.linalg.lstsq(inputs[rest] * by[:, np.newaxis], openings[rest] * by, rcond=None)[0]
            scales = weights / np.maximum(np.abs(inputs[rest] @ coefficients - openings[rest]), SMALLEST)
        predicted[part] = inputs[part] @ coefficients
    return predicted


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("templates", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.5, 0.7, 1.0])
    arguments = parser.parse_args()
    print_header("template", "share", "spread", "correlation", "mean absolute error")
    for folder in arguments.templates:
        template, features = Template.open(folder), AudioFeatures.load(find_features(folder))
        count = min(len(template), len(features))
        openings = np.array(lip_openings(template)[:count])
        windows = np.stack([window.ravel() for window in features.windows()][:count]).astype(float)
        for share in arguments.shares:
            predicted = predicted_openings(windows, openings, share)
            correlation = np.corrcoef(predicted, openings)[0, 1]
            error = np.abs(predicted - openings).mean()
            spread = predicted.std() / openings.std()
            print_row(folder.name, f"{share:g}", f"{spread:.2f}", f"{correlation:.2f}", f"{error:.4f}")


if __name__ == "__main__":
    main()
