"""Recordings of a person who moves, made of a photograph in the public domain (NASA's of Eileen Collins)."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data

from frame_generation_pipeline.arrays import Frame, Samples

SIZE = 360  # pixels, square
FACE = (105, 6, 240)  # left, top and side of the photograph's part that is shown


def portrait() -> Frame:
    """The photograph's face, (360, 360, 3) uint8 BGR."""
    left, top, side = FACE
    part = skimage.data.astronaut()[top : top + side, left : left + side, ::-1]
    return np.asarray(cv2.resize(part, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)


def moved(image: Frame, frame: int) -> Frame:
    """The image as a head that sways shows it."""
    shift = (8 * np.sin(frame / 9), 4 * np.cos(frame / 7))
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    shown = cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.uint8)


def write_recording(
    path: Path,
    frames: Sequence[Frame],
    *,
    fps: float = 25,
    times: Callable[[int], float] | None = None,
    seconds: float | None = -1,
    audio_start: float = 0.0,
    key_frames: int = 250,
) -> Path:
    """A video; times: each frame's seconds where they are not evenly spread; seconds: of audio, None for none;
    key_frames: frames from one to the next at most."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(fps).limit_denominator(1001), options={"crf": "12", "g": str(key_frames)}
        )
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, 90_000)
        stream.codec_context.time_base = Fraction(1, 90_000)
        length = (len(frames) / fps) if seconds == -1 else seconds
        audio = container.add_stream("aac", rate=16_000, layout="mono") if length else None
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.time_base = Fraction(1, 90_000)
            frame.pts = round((times(index) if times else index / fps) * 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None and length:
            time = np.arange(round(length * 16_000)) / 16_000
            samples = (0.4 * np.sin(2 * np.pi * 200 * time) * (np.sin(2 * np.pi * time) > 0)).astype(np.float32)
            for begin in range(0, len(samples), 1024):
                block = av.AudioFrame.from_ndarray(samples[None, begin : begin + 1024], format="fltp", layout="mono")
                block.sample_rate, block.time_base = 16_000, Fraction(1, 16_000)
                block.pts = begin + round(audio_start * 16_000)
                container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def with_tracks(path: Path, video: Path, *tracks: tuple[float, Samples]) -> Path:
    """The video's images with audio tracks: when each begins in seconds, and its samples at 16 kHz."""
    with av.open(str(video)) as source, av.open(str(path), "w") as container:
        images = container.add_stream_from_template(source.streams.video[0])
        streams = [container.add_stream("pcm_f32le", rate=16_000, layout="mono") for _ in tracks]
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = images
                container.mux(packet)
        for stream, (start, samples) in zip(streams, tracks, strict=True):
            block = av.AudioFrame.from_ndarray(samples[np.newaxis].astype(np.float32), "flt", "mono")
            block.sample_rate, block.pts = 16_000, round(start * 16_000)
            container.mux(stream.encode(block))
            container.mux(stream.encode(None))
    return path


def write_beginning(path: Path, video: Path, seconds: float) -> Path:
    """The first packets of a video, as they are."""
    with av.open(str(video)) as source, av.open(str(path), "w") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.dts * packet.time_base < seconds:
                packet.stream = streams[packet.stream.index]
                container.mux(packet)
    return path
