"""What FFmpeg, OpenCV and ONNX Runtime raise, made to order."""

from collections.abc import Callable

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
        lambda: av.VideoFrame.from_ndarray(np.zeros((4, 4, 3), np.float64), "bgr24"),
    ),
    "ONNX Runtime": ("ONNX Runtime", lambda: ort.InferenceSession(b"no model", providers=["CPUExecutionProvider"])),
}


def failing(fail: Callable[[], object]) -> Callable[..., object]:
    """A function of any arguments that only fails."""
    return lambda *_, **__: fail()
