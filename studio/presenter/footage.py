"""Write frames, audio and the truth about them; what is already written is not drawn again."""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import soundfile

from studio.presenter.portraits import read_image
from studio.presenter.render import Renderer
from studio.presenter.speech import AUDIO, UTTERANCES
from studio.presenter.state import State
from studio.presenter.timing import write_audio
from studio.presenter.visemes import FPS
from studio.presenter.window import BACKDROP, Window

_renderer: Renderer  # of this process; `_open` sets it


class Progress:
    """One line on stderr."""

    def __init__(self, total: int):
        self.total, self.started, self.count = total, time.time(), 0

    def __call__(self, number: int) -> None:
        """After frame `number`."""
        self.count += 1
        per = (time.time() - self.started) / self.count
        left = per * (self.total - number - 1)
        text = f"\rframe {number + 1}/{self.total}, {per:.2f} s each, {left:.0f} s left "
        print(text, end="", file=sys.stderr, flush=True)


def write_frames(
    new_renderer: Callable[[], Renderer],
    states: dict[int, State],
    folder: Path,
    report: Callable[[int], None],
    face: bool = False,
) -> None:
    """Frame 0 as `00000.png` and so on, on all cores; each has its name only when it is complete.

    face: only the window of the face, and beside the folder the first state's whole frame, see `window.read_frame`.

    Call it before this process has a renderer of its own: contexts of OpenGL do not survive a fork.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {folder / f"{number:05d}.png": state for number, state in states.items()}
    left = [(path, state) for path, state in paths.items() if not path.exists()]
    pool = ProcessPoolExecutor(mp_context=get_context("fork"), initializer=_open, initargs=(new_renderer,))
    with pool:
        if face and left and not (folder.parent / BACKDROP).exists():
            pool.submit(_write_frame, folder.parent / BACKDROP, next(iter(states.values()))).result()
        for number, _ in enumerate(
            pool.map(partial(_write_frame, face=face), *zip(*left, strict=True)) if left else ()
        ):
            report(len(states) - len(left) + number)


def _open(new_renderer: Callable[[], Renderer]) -> None:
    """Each process has a renderer."""
    global _renderer
    _renderer = new_renderer()


def _write_frame(path: Path, state: State, face: bool = False) -> None:
    window = Window.of_face(_renderer.size) if face else None
    done, data = cv2.imencode(".png", _renderer.frame(state, window), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OSError(f"{path}: the frame could not be encoded")
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(data.tobytes())
    unfinished.replace(path)


def write_ground_truth(
    path: Path, states: list[State], moves: dict[str, npt.NDArray[Any]], labels: list[str], openings: list[float]
) -> None:
    """npz: `names` and `weights` (frames, W) of expressions, articulators, `phones`, `opening` of the lips in m."""
    names = sorted({name for state in states for name in state.weights})
    table = np.array([[state.weights.get(name, 0.0) for name in names] for state in states], np.float32)
    arrays = {f"articulator_{name}": value.astype(np.float32) for name, value in moves.items()}
    unfinished = path.with_suffix(".part.npz")
    np.savez_compressed(
        unfinished, names=np.array(names), weights=table, phones=np.array(labels),
        opening=np.array(openings, np.float32),
        turn=np.array([s.turn for s in states], np.float32), gaze=np.array([s.gaze for s in states], np.float32),
        **arrays,  # type: ignore[arg-type]  # no name is `allow_pickle`
    )  # fmt: skip
    unfinished.replace(path)


def join(folders: list[Path], path: Path) -> None:
    """Several speeches as one lossless .mkv, and beside it what is said when as .json: [phone, start s, end s]."""
    images: list[Path] = []
    parts, phones = [], []
    for folder in folders:
        first = len(images) / FPS
        images += frames_of(folder / "frames")
        parts.append(soundfile.read(folder / AUDIO, dtype="float32")[0])
        for utterance in json.loads((folder / UTTERANCES).read_text()):
            at = first + utterance["first"] / FPS
            phones += [(name, round(start + at, 4), round(end + at, 4)) for name, start, end, *_ in utterance["phones"]]
        print(f"{folder.name}: frames {round(first * FPS)}:{len(images)}")
    write_audio(path.with_suffix(".wav"), np.concatenate(parts))
    path.with_suffix(".json").write_text(json.dumps(phones))
    video(images, path, path.with_suffix(".wav"))


def frames_of(folder: Path) -> list[Path]:
    """The frames in it, in order."""
    return sorted(folder.glob("*.png"))


def video(images: list[Path], path: Path, audio: Path | None = None) -> None:
    """Images as a lossless .mkv (H.264, RGB), with audio (PCM) if there is some."""
    import av

    unfinished = path.with_name("unfinished " + path.name)
    with av.open(str(unfinished), "w") as container:
        first = read_image(images[0])
        stream = container.add_stream("libx264rgb", rate=FPS, options={"qp": "0", "preset": "veryfast", "threads": "2"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "bgr24"
        samples = np.zeros(0, np.int16)
        if audio is not None:
            samples, rate = soundfile.read(audio, dtype="int16")
            track = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for number, image in enumerate(images):
            shown = av.VideoFrame.from_ndarray(read_image(image), format="bgr24")
            shown.pts, shown.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(shown))
            if len(samples):
                first_sample, last_sample = (k * rate // FPS for k in (number, number + 1))
                sounding = av.AudioFrame.from_ndarray(
                    samples[None, first_sample:last_sample], format="s16", layout="mono"
                )
                sounding.rate, sounding.pts, sounding.time_base = rate, first_sample, Fraction(1, rate)
                container.mux(track.encode(sounding))
        container.mux(stream.encode(None))
    unfinished.replace(path)
