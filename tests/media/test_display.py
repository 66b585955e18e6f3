"""A recording looks as it does in a player: colours, squareness, fields, orientation."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import VideoError
from frame_generation_pipeline.media.video_reader import read_frames, read_timed_frames
from recordings import moved, portrait

FACES = [moved(portrait(), index) for index in range(3)]
# ITU-R BT.2087: linear light from BT.709 to BT.2020.
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
KR, KB = 0.2627, 0.0593  # of BT.2020's luma
WHITE = 203.0  # cd/m2, ITU-R BT.2408
PQ, HLG = 16, 18


def to_pq(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SMPTE ST 2084 of light in units of white."""
    power = (light * WHITE / 10_000).clip(0, 1) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def to_hlg(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """ITU-R BT.2100 for a screen of 1000 cd/m2 of light in units of white."""
    shown = light * WHITE / 1000
    luminance = (shown @ np.array([KR, 1 - KR - KB, KB]))[..., np.newaxis]
    scene = shown * np.where(luminance > 0, luminance, 1) ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    curve: npt.NDArray[np.float64] = np.where(
        scene <= 1 / 12, np.sqrt(3 * scene.clip(0)), a * np.log((12 * scene - b).clip(1e-9)) + c
    )
    return curve


def hdr_frame(image: Frame, transfer: int) -> av.VideoFrame:
    """An image (H, W, 3) uint8 BGR as a screen shows it, in BT.2020 with 10 bits."""
    light = (image[..., ::-1] / 255) ** 2.4 @ TO_BT2020.T
    red, green, blue = np.moveaxis((to_pq if transfer == PQ else to_hlg)(light).clip(0, 1), -1, 0)
    luma = KR * red + (1 - KR - KB) * green + KB * blue
    chroma = [(blue - luma) / (2 - 2 * KB), (red - luma) / (2 - 2 * KR)]
    small = [cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for plane in chroma]
    frame = av.VideoFrame(image.shape[1], image.shape[0], "yuv420p10le")
    for plane, values in zip(frame.planes, [64 + 876 * luma, *(512 + 896 * plane for plane in small)], strict=True):
        padded = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        padded[:, : plane.width] = np.rint(values)
        plane.update(padded.tobytes())
    return frame


def encode(
    path: Path,
    frames: Sequence[av.VideoFrame],
    codec: str = "libx264",
    change: Callable[[Any], object] = lambda stream: None,
    options: dict[str, str] | None = None,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "4"} | (options or {}))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, frames[0].format.name
        change(stream)
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def yuv(images: Sequence[Frame], matrix: str = "ITU601") -> list[av.VideoFrame]:
    frames = [av.VideoFrame.from_ndarray(image, format="bgr24") for image in images]
    return [frame.reformat(format="yuv420p", dst_colorspace=matrix) for frame in frames]


def differences(path: Path, expected: Sequence[Frame]) -> list[float]:
    shown = list(read_frames(path))
    assert [image.shape for image in shown] == [image.shape for image in expected]
    return [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(shown, expected, strict=True)]


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize(("primaries", "matrix"), [(9, 9), (2, 9), (2, 2)])
def test_hdr_comes_back_as_it_was_in_standard_range(tmp_path: Path, transfer: int, primaries: int, matrix: int) -> None:
    """Where primaries or matrix are not said (2), they are those that HDR comes with."""

    def tag(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.colorspace, context.color_trc = primaries, matrix, transfer

    frames = [hdr_frame(image, transfer) for image in FACES]
    path = encode(tmp_path / "phone.mp4", frames, "libx265", tag, {"x265-params": "log-level=none"})
    assert max(differences(path, FACES)) < 5


def test_a_wide_gamut_in_standard_range(tmp_path: Path) -> None:
    """Display P3's primaries with sRGB's tones: pure red of P3 is outside of BT.709, a grey is the same in both."""

    def tag(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.colorspace, context.color_trc = 12, 1, 1

    grey = np.full((64, 64, 3), 120, np.uint8)
    skin = np.full((64, 64, 3), (120, 150, 200), np.uint8)
    images = [grey, skin]
    path = encode(tmp_path / "wide.mp4", yuv(images, "ITU709"), change=tag)
    shown = [image[32, 32].astype(int) for image in read_frames(path)]
    assert np.abs(shown[0] - 120).max() <= 4
    assert shown[1][2] >= 205  # redder in BT.709's terms
    assert shown[1][0] <= 119


@pytest.mark.parametrize(("size", "matrix"), [((1280, 720), "ITU709"), ((640, 578), "ITU709"), ((640, 480), "ITU601")])
def test_untagged_colours_by_the_size(tmp_path: Path, size: tuple[int, int], matrix: str) -> None:
    colour = np.full((size[1], size[0], 3), (40, 60, 200), np.uint8)
    frames = yuv([colour], matrix)
    for frame in frames:
        frame.colorspace = 2
    path = encode(tmp_path / "untagged.mp4", frames, change=lambda stream: setattr(stream, "color_range", 1))
    (shown,) = read_frames(path)
    assert np.abs(shown.reshape(-1, 3).mean(axis=0) - (40, 60, 200)).max() < 5


def test_colours_that_cannot_be_converted_are_named(tmp_path: Path) -> None:
    path = encode(tmp_path / "ictcp.mp4", yuv(FACES), change=lambda s: setattr(s.codec_context, "colorspace", 14))
    with pytest.raises(VideoError, match=r"ictcp\.mp4: .*matrix 14"):
        list(read_frames(path))


def test_a_transfer_that_cannot_be_converted_is_named(tmp_path: Path) -> None:
    path = encode(tmp_path / "log.mp4", yuv(FACES), change=lambda s: setattr(s.codec_context, "color_trc", 9))
    with pytest.raises(VideoError, match=r"log\.mp4: its colours \(transfer 9, primaries 2 of ITU-T H\.273\)"):
        list(read_frames(path))


def test_full_range_is_not_stretched(tmp_path: Path) -> None:
    images = [np.full((64, 64, 3), colour, np.uint8) for colour in ((40, 60, 200), (5, 5, 5), (250, 250, 250))]
    frames = [av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuvj420p") for image in images]
    assert max(differences(encode(tmp_path / "full.mp4", frames), images)) < 3


def test_dolby_vision_that_needs_its_metadata_is_named(tmp_path: Path) -> None:
    """Profile 5 has sample entries of its own, and no tags of colours; with those of another profile it is shown."""

    def tag(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.colorspace, context.color_trc = 9, 9, HLG

    silent = {"x265-params": "log-level=none"}
    plain = encode(tmp_path / "plain.mp4", yuv(FACES), "libx265", options=silent)
    tagged = encode(tmp_path / "tagged.mp4", [hdr_frame(image, HLG) for image in FACES], "libx265", tag, silent)
    for path in (plain, tagged):
        path.write_bytes(path.read_bytes().replace(b"hev1", b"dvh1"))
    assert max(differences(tagged, FACES)) < 5
    with pytest.raises(VideoError, match=r"plain\.mp4: is Dolby Vision of profile 5, .*export it as HDR10"):
        list(read_frames(plain))


MATRICES = {
    "as it is": (1, 0, 0, 1),
    "a quarter clockwise": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "a quarter counterclockwise": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transposed and turned": (0, -1, -1, 0),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_every_display_matrix(tmp_path: Path, kind: str) -> None:
    path = encode(tmp_path / "turned.mp4", yuv(FACES[:1]))
    data = bytearray(path.read_bytes())
    a, b, c, d = MATRICES[kind]
    place = data.index(b"tkhd") + 4 + 40  # version 0: flags, times, track, duration, layer, group, volume
    matrix = np.array([a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 1 << 30], ">i4")
    data[place : place + 36] = matrix.tobytes()
    path.write_bytes(data)
    (shown,) = read_frames(path)
    # Where the matrix takes the pixel's middle, counted from the corner that it moves the image to.
    rows, columns = np.mgrid[0:360, 0:360]
    x, y = a * columns + c * rows, b * columns + d * rows
    expected = np.empty_like(FACES[0])
    expected[y - y.min(), x - x.min()] = FACES[0]
    assert cv2.PSNR(shown, expected) > 35


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(4, 3), (480, 360)), (Fraction(8, 9), (360, 405))])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    path = encode(
        tmp_path / "wide.mp4", yuv(FACES), change=lambda s: setattr(s.codec_context, "sample_aspect_ratio", aspect)
    )
    expected = [np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8) for image in FACES]
    assert max(differences(path, expected)) < 3


def test_pixels_that_cannot_be_meant(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "flat.mp4",
        yuv(FACES),
        change=lambda s: setattr(s.codec_context, "sample_aspect_ratio", Fraction(200)),
    )
    with pytest.raises(VideoError, match=r"flat\.mp4: its pixels .* 200"):
        list(read_frames(path))


def test_interlaced_frames_are_not_combed(tmp_path: Path) -> None:
    """A head that sways by 6 pixels from field to field."""
    image = portrait()
    fields = [np.roll(image, 6 * index, axis=1) for index in range(16)]
    woven = []
    for top, bottom in zip(fields[::2], fields[1::2], strict=True):
        frame = top.copy()
        frame[1::2] = bottom[1::2]
        woven.append(frame)

    def combing(image: Frame) -> float:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(int)
        return float(np.abs(grey[:-2] - 2 * grey[1:-1] + grey[2:]).mean())

    flagged = encode(tmp_path / "fields.mp4", yuv(woven), options={"x264-params": "tff=1"})
    shown = list(read_timed_frames(flagged))
    assert len(shown) == len(woven)
    np.testing.assert_allclose([time for time, _ in shown], np.arange(8) / 25, atol=0.001)
    assert max(combing(woven_out) for _, woven_out in shown[1:-1]) < 1.5 * combing(image) < combing(woven[3]) / 2
    progressive = encode(tmp_path / "whole.mp4", yuv(woven))
    assert max(differences(progressive, woven)) < 3
