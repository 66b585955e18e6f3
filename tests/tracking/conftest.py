import pytest

from faces import draw_face
from frame_generation_pipeline.tracking.landmarker import Face, FaceLandmarker


@pytest.fixture(scope="session")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="session")
def closed(landmarker: FaceLandmarker) -> Face:
    """The face of `draw_face()`, whose mouth is closed."""
    (face,) = landmarker.faces(draw_face())
    return face
