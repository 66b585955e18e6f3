"""The reference code against this repository's own small vectors."""

import cv2
import numpy as np
import pytest

import make_vectors
from samples import seeded_network


@pytest.mark.parametrize("name", make_vectors.SPECS)
def test_networks(name: str) -> None:
    expected = np.load(make_vectors.FOLDER / "networks.npz")[name]
    output = make_vectors.network_output(seeded_network(make_vectors.SPECS[name]))
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5)


def test_mel_and_encoder() -> None:
    expected = np.load(make_vectors.FOLDER / "audio.npz")
    mel, features = make_vectors.mel_and_features()
    np.testing.assert_allclose(mel, expected["mel"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(features, expected["features"], rtol=0, atol=1e-4)


def test_whisper() -> None:
    expected = np.load(make_vectors.FOLDER / "audio.npz")["whisper"]
    np.testing.assert_allclose(make_vectors.whisper_features(), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("run", make_vectors.RUNS)
def test_frames(run: str) -> None:
    for index, frame in enumerate(make_vectors.frames(run)):
        expected = cv2.imread(str(make_vectors.FOLDER / f"{run}_{index}.png"))
        difference = np.abs(frame.astype(int) - expected)
        assert difference.max() <= 1
        assert (difference > 0).mean() <= 0.001
