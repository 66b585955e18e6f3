"""Measure the opening of the lips in consecutive images."""

from collections.abc import Iterable, Iterator

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.tracking.landmarker import FaceLandmarker


def track_openings(images: Iterable[Frame]) -> Iterator[float]:
    """Yield the opening of the largest face's lips in each image, in face scales; NaN if no face is found.

    The face is followed from image to image. See `FaceLandmarker.lip_opening`.
    """
    landmarker, previous = FaceLandmarker(threads=1), None
    for image in images:
        region = previous or next(iter(landmarker.faces(image)), None)
        previous = landmarker.follow(image, region) if region else None
        if region and previous is None:
            region = previous = next(iter(landmarker.faces(image)), None)
        yield landmarker.lip_opening(image, previous, region) if region and previous else float("nan")
