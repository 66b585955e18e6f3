"""Compare two renderings frame by frame: MSE, PSNR and SSIM, and an image of the frame that differs most."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from math import inf
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OptionError, VideoError
from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.media.video_reader import frame_files, read_frames, read_image

SSIM_SIDE = 11  # pixels; side of the Gaussian window
SSIM_SIGMA = 1.5  # pixels
STRIP = 32  # pixels; height of the captions
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class FrameScore:
    """The difference between the two frames of one index."""

    index: int
    mse: float  # levels squared, over all pixels and channels
    psnr: float  # dB; infinite where the frames are equal
    ssim: float  # 1 where the frames are equal


@dataclass(frozen=True)
class Comparison:
    """The scores of all frames, at least one, and of the whole."""

    frames: tuple[FrameScore, ...]

    @property
    def count(self) -> int:
        """The number of compared pairs of frames."""
        return len(self.frames)

    @property
    def mse(self) -> float:
        """Mean over the frames, levels squared."""
        return sum(frame.mse for frame in self.frames) / self.count

    @property
    def psnr(self) -> float:
        """PSNR of the overall MSE in dB (not the mean of the frames' PSNR); infinite if all frames are equal."""
        return psnr(self.mse)

    @property
    def ssim(self) -> float:
        """Mean over the frames."""
        return sum(frame.ssim for frame in self.frames) / self.count

    @property
    def worst(self) -> int:
        """Index of the first frame with the highest MSE."""
        return max(self.frames, key=lambda frame: frame.mse).index

    def to_json(self) -> dict[str, object]:
        """Return a dictionary for strict JSON, in which null stands for an infinite PSNR."""
        whole = {"count": self.count, "mse": self.mse, "psnr": self.psnr, "ssim": self.ssim, "worst": self.worst}
        return _finite(whole) | {"frames": [_finite(asdict(frame)) for frame in self.frames]}


def compare(a: Path, b: Path, *, samples: bool = False) -> Comparison:
    """Compare two videos or folders of images with the same number and size of frames; one pair is in memory at a time.

    In two folders, the numbers in the names are the indices and pair the images; otherwise frames are counted from 0.
    With `samples`, folder A may hold only some of the frames of folder B, as reference outputs do.
    Raises `VideoError` if counts, numbers or sizes differ, and the errors of `read_frames`.
    """
    scores = []
    for index, frame_a, frame_b in _pairs(a, b, samples):
        _check_sizes(a, b, index, frame_a, frame_b)
        mse = cv2.norm(frame_a, frame_b, cv2.NORM_L2SQR) / frame_a.size
        scores.append(FrameScore(index, mse, psnr(mse), ssim(frame_a, frame_b)))
    return Comparison(tuple(scores))


def ssim(a: Frame, b: Frame) -> float:
    """Return the mean structural similarity of two frames `(H, W, 3)` uint8 BGR on their BT.601 luma; 1 if equal.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004:
    Gaussian window of 11x11, sigma 1.5, K1 = 0.01, K2 = 0.03, averaged over the positions inside the frame.
    Raises `VideoError` if a side is shorter than the window.
    """
    if min(a.shape[:2]) < SSIM_SIDE:
        raise VideoError(f"a frame of {_size(a)} is too small for SSIM; compare frames of {SSIM_SIDE} pixels or more")
    x, y = (cv2.cvtColor(frame.astype(np.float32), cv2.COLOR_BGR2GRAY) for frame in (a, b))
    mean_x, mean_y = _local_mean(x), _local_mean(y)
    variance_x = _local_mean(x * x) - mean_x**2
    variance_y = _local_mean(y * y) - mean_y**2
    covariance = _local_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(similarity / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))))


def worst_frame_image(a: Path, b: Path, index: int, *, samples: bool = False) -> Frame:
    """Return frame `index` of A, of B, and their absolute difference side by side, captioned: `(H + 32, 3 W, 3)` BGR.

    index, samples: as in `compare`. The difference is multiplied by the whole number in its caption, the largest with
    which it stays below 256. Raises `OptionError` if there is no such frame, `VideoError` if the sizes differ.
    """
    pair = next((frames for number, *frames in _pairs(a, b, samples) if number == index), None)
    if pair is None:
        raise OptionError(f"there is no frame {index} in {a}; give the index of a frame that was compared")
    _check_sizes(a, b, index, *pair)
    difference = np.asarray(cv2.absdiff(*pair), np.uint8)
    factor = np.uint8(255 // max(1, int(difference.max())))
    captions = (f"A, frame {index}", f"B, frame {index}", f"|A - B| x {factor}")
    return np.hstack([captioned(*both) for both in zip((*pair, difference * factor), captions, strict=True)])


def _pairs(a: Path, b: Path, samples: bool) -> Iterator[tuple[int, Frame, Frame]]:
    """Yield (index, frame of A, frame of B). Raises `VideoError` for a frame without a partner."""
    if a.is_dir() and b.is_dir():
        files_a, files_b = frame_files(a), frame_files(b)
        if unpaired := files_a.keys() - files_b.keys() if samples else files_a.keys() ^ files_b.keys():
            index = min(unpaired)
            full, short = (a, b) if index in files_a else (b, a)
            raise VideoError(
                f"{short}: has no frame {index}, which {full} has ({len(files_a)} frames in A, {len(files_b)} in B); "
                "compare folders with the same numbers"
            )
        for index, file in files_a.items():
            yield index, read_image(file), read_image(files_b[index])
        return
    frames_a, frames_b = read_frames(a), read_frames(b)
    for index, (frame_a, frame_b) in enumerate(zip_longest(frames_a, frames_b)):
        if frame_a is None or frame_b is None:
            longer = index + 1 + sum(1 for _ in (frames_a if frame_b is None else frames_b))
            count_a, count_b = (longer, index) if frame_b is None else (index, longer)
            raise VideoError(f"{a} has {count_a} frames, {b} has {count_b}; compare renderings of equal length")
        yield index, frame_a, frame_b


def _check_sizes(a: Path, b: Path, index: int, frame_a: Frame, frame_b: Frame) -> None:
    if frame_a.shape != frame_b.shape:
        raise VideoError(f"frame {index} of {a} is {_size(frame_a)}, of {b} {_size(frame_b)}; render both at one size")


def _size(frame: Frame) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value == inf else value for name, value in values.items()}


def _local_mean(image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The mean weighted by the Gaussian window, at every position inside the image."""
    border = SSIM_SIDE // 2
    blurred = cv2.GaussianBlur(image, (SSIM_SIDE, SSIM_SIDE), SSIM_SIGMA)
    return np.asarray(blurred[border:-border, border:-border], np.float32)


def captioned(frame: Frame, caption: str) -> Frame:
    """Return the frame with a strip above it, which holds the caption in letters that fit the width."""
    width = frame.shape[1]
    strip = np.zeros((STRIP, width, 3), np.uint8)
    (natural, _), _ = cv2.getTextSize(caption, FONT, 1.0, 1)
    scale = min(0.7, 0.9 * width / natural)
    cv2.putText(strip, caption, (width // 20, STRIP * 2 // 3), FONT, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([strip, frame])
