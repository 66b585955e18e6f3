"""The lips' opening from image to image."""

import numpy as np
import pytest

from frame_generation_pipeline.tracking.landmarker import FaceLandmarker
from frame_generation_pipeline.tracking.openings import track_openings
from speaker import opening, portrait


def test_openings_are_those_of_the_lips_and_missing_without_a_face() -> None:
    images = [portrait(index) for index in range(24)]
    images[5] = np.full_like(images[5], 90)
    openings = np.array(list(track_openings(images)))
    assert np.flatnonzero(np.isnan(openings)).tolist() == [5]
    seen = np.isfinite(openings)
    assert np.corrcoef(openings[seen], np.array([opening(index) for index in range(24)])[seen])[0, 1] > 0.9
    landmarker = FaceLandmarker(threads=1)
    (face,) = landmarker.faces(images[0])
    again = landmarker.follow(images[0], face)
    assert again is not None
    assert openings[0] == pytest.approx(landmarker.lip_opening(images[0], again, face))
