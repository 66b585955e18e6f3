"""An image of what an avatar does with its mouth for single phones, under the rendered truth."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.avatar import Avatar
from studio.presenter.speech import AUDIO, UTTERANCES
from studio.presenter.visemes import FPS
from studio.presenter.window import read_frame

SHOWN = ("p", "b", "m", "f", "v", "aa", "iy", "uw", "ao")
SIDE, CAPTION = 160, 22  # pixels


def strip(folders: list[Path], path: Path, avatar: Avatar) -> None:
    """Of each phone the longest one in these speeches, at its middle: above the truth, below what the avatar makes."""
    longest: dict[str, tuple[float, Path, int]] = {}
    for folder in folders:
        for utterance in json.loads((folder / UTTERANCES).read_text()):
            for name, start, end, *_ in utterance["phones"]:
                frame = utterance["first"] + int((start + end) / 2 * FPS)
                if name in SHOWN and end - start > longest.get(name, (0.0,))[0]:
                    longest[name] = (end - start, folder, frame)
    frames = {folder: _frames(avatar, folder, [f for _, where, f in longest.values() if where == folder])
            for folder in folders}  # fmt: skip
    columns = []
    for name in SHOWN:
        if name in longest:
            _, folder, frame = longest[name]
            truth = read_frame(folder / "frames" / f"{frame:05d}.png")
            columns.append(np.vstack([_caption(name), _mouth(truth), _mouth(frames[folder][frame])]))
    cv2.imwrite(str(path), np.hstack(columns), [cv2.IMWRITE_JPEG_QUALITY, 90])


def _frames(avatar: Avatar, folder: Path, indices: list[int]) -> dict[int, npt.NDArray[Any]]:
    return {i: frame for i, frame in enumerate(avatar.frames(folder / AUDIO)) if i in indices}


def _mouth(frame: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The lower face, which the camera has in the middle of its image."""
    side = round(0.30 * len(frame))
    x, y = round(0.5 * len(frame)) - side // 2, round(0.455 * len(frame))
    return cv2.resize(frame[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _caption(text: str) -> npt.NDArray[Any]:
    bar = np.full((CAPTION, SIDE, 3), 255, np.uint8)
    cv2.putText(
        bar, text, (SIDE // 2 - 8 * len(text) // 2, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
    )
    return bar
