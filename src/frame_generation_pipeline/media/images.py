"""Convert frames to BT.709 in 4:2:0 for encoders, and set up the encoders."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from frame_generation_pipeline.arrays import Frame, Planes

BT709 = 1  # primaries, transfer and matrix all have this number in ITU-T H.273
# ITU-R BT.709-6, 3.2 to 3.4: luma 16 to 235, chroma 16 to 240; rows Y, Cb, Cr of B, G, R and 1.
KR, KG, KB = 0.2126, 0.7152, 0.0722
BGR_TO_YUV = (
    np.array(
        [
            [219 * KB, 219 * KG, 219 * KR, 16 * 255],
            [112, -112 * KG / (1 - KB), -112 * KR / (1 - KB), 128 * 255],
            [-112 * KB / (1 - KR), -112 * KG / (1 - KR), 112, 128 * 255],
        ]
    )
    / 255
)


@dataclass(frozen=True)
class FrameEncoding:
    """How the images of one video are encoded; equal values and frames give equal bytes."""

    codec: str  # FFmpeg's name
    options: dict[str, str]  # of the codec
    size: tuple[int, int]  # width and height of the frames, pixels
    fps: Fraction
    threads: int

    def new_encoder(self) -> VideoCodecContext:
        """Create an encoder, not opened yet, for images with times in frames."""
        context = cast(VideoCodecContext, av.CodecContext.create(self.codec, "w"))
        context.options = self.options
        context.framerate = self.fps
        context.flags |= Flags.global_header  # parameters in the file's header, as all containers here need them
        self.configure(context)
        return context

    def configure(self, context: VideoCodecContext) -> None:
        """Set an encoder up, or the context of a container's stream."""
        context.width, context.height = (side + side % 2 for side in self.size)
        context.pix_fmt = "yuv420p"
        context.time_base = 1 / self.fps
        context.thread_count = self.threads
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG

    def new_video_frame(self) -> VideoFrame:
        """Create an image for the encoder, which `show` fills."""
        width, height = (side + side % 2 for side in self.size)
        return VideoFrame(width, height, "yuv420p")

    def describe(self) -> dict[str, Any]:
        """The values and the library's version, as JSON values."""
        return {
            "codec": self.codec,
            "options": self.options,
            "size": list(self.size),
            "fps": str(self.fps),
            "threads": self.threads,
            "av": av.__version__,
        }


def to_planes(frame: Frame) -> Planes:
    """Convert a frame `(H, W, 3)` uint8 BGR to BT.709, limited range, 4:2:0.

    An odd side is made even by repeating its edge, because a chroma sample covers two pixels.
    """
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = np.asarray(cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
    height, width = frame.shape[:2]
    converted = cv2.transform(frame, BGR_TO_YUV)
    chroma = cv2.resize(converted, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    planes = np.empty((height * 3 // 2, width), np.uint8)
    planes[:height] = converted[..., 0]
    planes[height:].reshape(2, height // 2, width // 2)[:] = chroma[..., 1:].transpose(2, 0, 1)
    return planes


def show(planes: Planes, image: VideoFrame) -> None:
    """Write `planes` into `image`, yuv420p of the same size; an encoder may have taken it before."""
    image.make_writable()
    begin = 0
    for plane in image.planes:
        size = plane.width * plane.height
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)  # type: ignore[call-overload]
        rows[:, : plane.width] = planes.reshape(-1)[begin : begin + size].reshape(plane.height, plane.width)
        begin += size
