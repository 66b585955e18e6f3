"""What FFmpeg, OpenCV and ONNX Runtime raise, and what a full disk does, made to order."""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
import cv2
import numpy as np
import onnxruntime as ort

# By what is raised: the library's name in our words, and a call that fails in it.
RAISING: dict[str, tuple[str, Callable[[], object]]] = {
    "OpenCV": ("OpenCV", lambda: cv2.resize(np.zeros((0, 0, 3), np.uint8), (4, 4))),
    "FFmpeg": ("FFmpeg", lambda: av.open("nowhere.mp4")),
    "Python's own class, raised by PyAV": (
        "FFmpeg",
        lambda: av.VideoFrame.from_ndarray(np.zeros((4, 4, 3), np.float64), "bgr24"),  # type: ignore[arg-type]
    ),
    "ONNX Runtime": ("ONNX Runtime", lambda: ort.InferenceSession(b"no model", providers=["CPUExecutionProvider"])),
}


def failing(fail: Callable[[], object]) -> Callable[..., object]:
    """A function of any arguments that only fails."""
    return lambda *_, **__: fail()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write more than `size` bytes of a file, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
