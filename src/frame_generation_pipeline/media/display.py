"""Convert decoded frames to the images that a player shows: colours, square pixels, fields and orientation."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import VideoError

# ITU-T H.273, as FFmpeg numbers them.
RGB, BT709, UNSPECIFIED, RESERVED, BT601, BT2020 = 0, 1, 2, 3, 6, 9  # matrices; BT2020 also names primaries
PQ, HLG = 16, 18  # transfers of HDR
MATRICES = {RGB, BT709, 4, 5, BT601, 7, 9}  # for which swscale has coefficients
NARROW_PRIMARIES = {0, 1, UNSPECIFIED, 5, 6, 7, 22}  # BT.709's and those of standard definition; shown as they are
DOLBY_VISION = {"dvh1", "dvhe", "dva1", "dvav", "dav1"}  # codec tags of streams that need its metadata
PLAIN_TRANSFERS = {0, 1, UNSPECIFIED, 4, 5, 6, 7, 11, 12, 13, 14, 15}  # of images no brighter than a screen's white
STANDARD_WIDTH, STANDARD_HEIGHT = 1279, 576  # pixels; untagged images up to this size are BT.601, as in mpv
FLATTEST = 8  # largest ratio of a pixel's sides; more is damage

Orientation = tuple[
    bool, bool, bool
]  # whether the axes are exchanged, and then whether the image is mirrored across and down
UPRIGHT: Orientation = (False, False, False)


class Display:
    """Converts the frames of one stream, in order, to images (H, W, 3) uint8 BGR as mpv and ffplay show them.

    Colours are converted to BT.709 from their tagged matrix, primaries and transfer; HDR to standard range, with its
    white of 203 cd/m2 (ITU-R BT.2408) at full level. Untagged colours are BT.709 in high definition, otherwise BT.601.
    Pixels become square, interlaced frames are deinterlaced, and the display matrix is applied. HDR without matrix or
    primaries, and BT.2020's matrix without primaries, are BT.2020.
    """

    def __init__(self, path: Path, stream: VideoStream) -> None:
        self._path, self._stream = path, stream
        self._graph: Graph | None = None
        self._kind: tuple[object, ...] | None = None
        self._interlaced = False
        self._orientation = UPRIGHT  # of the frames in the graph

    def push(self, frame: VideoFrame) -> Iterator[tuple[float | None, Frame]]:
        """Take the next frame; yield the images that are ready, with their times in seconds.

        Raises VideoError for colours that cannot be converted, and the errors of PyAV.
        """
        self._interlaced = self._interlaced or frame.interlaced_frame
        self._check_dolby_vision(frame)
        matrix = frame.colorspace
        if matrix in (UNSPECIFIED, RESERVED) and frame.color_trc in (PQ, HLG):
            matrix = BT2020
        if frame.format.is_rgb:
            matrix = RGB
        elif matrix in (RGB, UNSPECIFIED, RESERVED):
            high = frame.width > STANDARD_WIDTH or frame.height > STANDARD_HEIGHT
            matrix = BT709 if high else BT601
        if matrix not in MATRICES:
            raise VideoError(
                f"{self._path}: its colours are coded with matrix {matrix} of ITU-T H.273, which cannot be converted;"
                " convert it to BT.709"
            )
        width, height = self._square(frame)
        primaries = int(frame.color_primaries)
        if primaries in (0, UNSPECIFIED) and (matrix == BT2020 or frame.color_trc in (PQ, HLG)):
            primaries = BT2020
        converted = frame.color_trc not in PLAIN_TRANSFERS or primaries not in NARROW_PRIMARIES
        orientation = _orientation(frame)
        if not (self._interlaced or converted or (width, height) != (frame.width, frame.height)):
            yield from self.flush()
            yield frame.time, _turned(_plain(frame, matrix), orientation)
            return
        kind: tuple[object, ...] = (
            frame.width,
            frame.height,
            frame.format.name,
            frame.color_range,
            matrix,
            width,
            height,
            converted,
        )
        kind += (primaries, frame.color_trc, self._interlaced, orientation)
        if kind != self._kind:
            yield from self.flush()
            self._graph, self._kind = (
                self._build(frame, matrix, (width, height), primaries if converted else None),
                kind,
            )
        assert self._graph is not None
        self._orientation = orientation
        frame.colorspace = matrix
        try:
            self._graph.vpush(frame)
            yield from self._ready()
        except av.FFmpegError as error:
            raise VideoError(
                f"{self._path}: its colours (transfer {int(frame.color_trc)}, primaries {int(frame.color_primaries)} of"
                " ITU-T H.273) cannot be converted; convert it to BT.709"
            ) from error

    def _check_dolby_vision(self, frame: VideoFrame) -> None:
        """Refuse Dolby Vision of profile 5, whose untagged base looks wrong without the metadata."""
        context = self._stream.codec_context
        if context.codec_tag in DOLBY_VISION and UNSPECIFIED in (frame.colorspace, frame.color_trc):
            raise VideoError(
                f"{self._path}: is Dolby Vision of profile 5, whose colours need its own metadata; export it as HDR10,"
                " HLG or in standard range"
            )

    def flush(self) -> Iterator[tuple[float | None, Frame]]:
        """Yield the remaining images, with their times in seconds."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._ready()
        self._graph, self._kind = None, None

    def _ready(self) -> Iterator[tuple[float | None, Frame]]:
        assert self._graph is not None
        while True:
            try:
                shown = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(shown, VideoFrame)
            yield shown.time, _turned(np.asarray(shown.to_ndarray(), np.uint8), self._orientation)

    def _square(self, frame: VideoFrame) -> tuple[int, int]:
        """Width and height of the frame with square pixels of the longer side of its pixels, as in mpv."""
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if aspect <= 0:
            aspect = Fraction(1)
        if not 1 / FLATTEST <= aspect <= FLATTEST:
            raise VideoError(
                f"{self._path}: its pixels are said to be {aspect} times as wide as high; convert it to MP4"
            )
        if aspect > 1:
            return max(1, round(frame.width * aspect)), frame.height
        return frame.width, max(1, round(frame.height / aspect))

    def _build(self, frame: VideoFrame, matrix: int, size: tuple[int, int], primaries: int | None) -> Graph:
        base = frame.time_base or self._stream.time_base or Fraction(1, 90_000)
        graph = Graph()
        values = {
            "video_size": f"{frame.width}x{frame.height}",
            "pix_fmt": frame.format.name,
            "time_base": f"{base.numerator}/{base.denominator}",
            "colorspace": str(matrix),
            "range": str(int(frame.color_range)),
        }
        nodes = [graph.add("buffer", ":".join(f"{name}={value}" for name, value in values.items()))]
        if self._interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced"))
        scale = f"w={size[0]}:h={size[1]}:flags=bicubic+accurate_rnd+full_chroma_int"
        if primaries is not None:
            scale += ":in_transfer=bt709" if frame.color_trc in (0, UNSPECIFIED) else ""
            if frame.color_primaries in (0, UNSPECIFIED):
                scale += ":in_primaries=bt2020" if primaries == BT2020 else ":in_primaries=bt709"
            scale += ":out_primaries=bt709:out_transfer=bt709:out_color_matrix=bt709"
        nodes += [graph.add("scale", scale), graph.add("format", "bgr24"), graph.add("buffersink")]
        graph.link_nodes(*nodes)
        graph.configure()
        return graph


def _plain(frame: VideoFrame, matrix: int) -> Frame:
    frame.colorspace = matrix
    # Older PyAV uses the frame's colour space only if another one is named here.
    return np.asarray(frame.to_ndarray(format="bgr24", dst_colorspace="DEFAULT"), np.uint8)


def _orientation(frame: VideoFrame) -> Orientation:
    """The orientation of the frame's display matrix, rounded to a quarter turn.

    The matrix takes x and y to a x + c y and b x + d y, stored as a, b, u, c, d, v, x, y, w (ISO/IEC 14496-12, 6.2.2).
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(cast(bytes, data), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def _turned(image: Frame, orientation: Orientation) -> Frame:
    exchanged, across, down = orientation
    if orientation == UPRIGHT:
        return image
    turned = image.transpose(1, 0, 2) if exchanged else image
    return np.ascontiguousarray(turned[:: -1 if down else 1, :: -1 if across else 1])
